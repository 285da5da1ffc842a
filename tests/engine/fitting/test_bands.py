"""Bands from left-out residuals: they cover groups that had no part in them."""

import numpy as np

from engine.fitting.bands import FEWEST_GROUPS, FEWEST_POINTS, LeftOut, coverage, error_bands


def residuals(groups: int, points: int, between: float, within: float) -> list[LeftOut]:
    """Log-normal ratios whose groups lie apart by so much."""
    random = np.random.default_rng(7)
    return [
        LeftOut(
            float(np.exp(centre + within * random.standard_normal())),
            f"g{group}",
            "itl",
            "offline",
            "dense",
            "measured",
            "vllm",
        )
        for group, centre in enumerate(between * random.standard_normal(groups))
        for _ in range(points)
    ]


def test_bands_cover_groups_that_had_no_part_in_them() -> None:
    points = residuals(groups=25, points=40, between=0.15, within=0.1)
    fresh = residuals(groups=400, points=5, between=0.15, within=0.1)
    band = next(band for band in error_bands(points) if band.id == "itl")
    low, high = band.quantiles[1], band.quantiles[5]
    assert 0.72 <= np.mean([low <= point.ratio <= high for point in fresh]) <= 0.92
    assert band.coverage >= 0.8


def test_quantiles_of_all_levels_are_nested() -> None:
    for band in error_bands(residuals(groups=12, points=20, between=0.2, within=0.1)):
        assert list(band.quantiles) == sorted(band.quantiles)


def test_a_class_of_few_points_or_groups_has_no_band_of_its_own() -> None:
    assert error_bands(residuals(groups=FEWEST_GROUPS - 1, points=100, between=0.1, within=0.1)) == []
    assert error_bands(residuals(groups=3, points=FEWEST_POINTS // 3 - 1, between=0.1, within=0.1)) == []


def test_stretching_covers_more() -> None:
    points = residuals(groups=6, points=20, between=0.3, within=0.05)
    shares = [coverage(points, stretch) for stretch in (1.0, 1.5, 2.0)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]
