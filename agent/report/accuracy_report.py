"""How far predictions lie from measurements, as a report and as JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.report.blocks import Block, Bullets, Column, Facts, Heading, Paragraph, Report, Scatter, Table
from catalogs.units import show_count, show_figure, show_percent
from engine.accuracy.columns import TAILS
from engine.accuracy.coverage import Coverage
from engine.accuracy.dots import NEAR, Dot, share_near
from engine.accuracy.peers import Comparison
from engine.accuracy.scores import GROUPS, Accuracy, Score
from engine.plan import plain

SHOWN_REASONS = 20
METRICS = {
    "itl": "ITL",
    "ttft": "TTFT",
    "throughput": "throughput",
    **{name: f"{name.partition('_')[0].upper()} {name.partition('_')[2]}" for name in TAILS},
}
ALWAYS = ("itl", "ttft", "throughput")
"""In the JSON whether any point measured them or not."""
_SCORES = Column.figures("n", "median", "p90", "ratio")
_COVERAGE = (
    Column("points of a"),
    Column("metric", spoken="bare"),
    *Column.figures("n", "in 50 %", "in 80 %", "in 95 %", "width"),
)


def accuracy_json(accuracy: Accuracy, compared: Sequence[Comparison] | None = None) -> dict[str, Any]:
    """Return the scorecard as JSON values; errors and ratios are shares (0.09 is 9 %)."""
    nothing = {"n": 0, "median_ape": None, "p90_ape": None, "median_ratio": None}
    tree: dict[str, Any] = {
        "points": accuracy.points,
        "predicted": accuracy.predicted,
        "refused": plain(accuracy.refused),
        "metrics": dict.fromkeys(ALWAYS, nothing) | plain(accuracy.metrics),
        "by": plain(accuracy.by),
        "coverage": plain(accuracy.coverage),
        "native_precision": accuracy.native_precision,
        "replicated": accuracy.replicated,
    }
    if compared is not None:
        tree["compared"] = plain(tuple(compared))
    return tree


@Report.of
def accuracy_report(
    accuracy: Accuracy, compared: Sequence[Comparison] = (), dots: Mapping[str, Sequence[Dot]] | None = None
) -> Iterator[Block]:
    """Yield the scorecard: overall, beside a peer, predicted against measured where dots are given, by what the
    points share, and what was refused.

    Args:
        compared: the same of peers.
        dots: predicted and measured figures, by what they measure; None draws none.
    """
    refused = len(accuracy.refused)
    share = show_percent(accuracy.predicted / accuracy.points)
    yield Facts(
        (
            ("points", show_count(accuracy.points)),
            ("predicted", f"{show_count(accuracy.predicted)} ({share})"),
            ("refused", show_count(refused)),
        )
    )
    if accuracy.native_precision:
        native = accuracy.native_precision
        states = "1 point states" if native == 1 else f"{show_count(native)} points state"
        yield Paragraph(f"{states} no weight precision: the checkpoint's own was taken.")
    if accuracy.replicated:
        several = "1 point has" if accuracy.replicated == 1 else f"{show_count(accuracy.replicated)} points have"
        yield Paragraph(f"{several} accelerators for several replicas: the load was divided over equal ones.")
    if accuracy.metrics:
        yield Table((Column("metric"), *_SCORES), tuple(_rows_of(accuracy.metrics)))
        yield Paragraph(
            "Median and p90 are of the absolute percentage error, |predicted − measured| / measured; the ratio is the "
            "median of predicted over measured.",
            "quiet",
        )
    if any(accuracy.coverage.values()):
        yield Heading("Inside the bands")
        yield Table(_COVERAGE, tuple(_covered(accuracy.coverage)))
        yield Paragraph(
            "Share of points whose measurement lies inside the band, by what of them the fit of their runtime has not "
            "seen; the width is from the low to the high end of the 80 % band.",
            "quiet",
        )
    for comparison in compared:
        yield from _beside(comparison)
    for metric, own in (dots or {}).items():
        yield _scatter(metric, own)
    for group in GROUPS:
        scores = accuracy.by.get(group, {})
        if any(scores.values()):
            yield Heading(f"By {group}")
            yield Table((Column(group), Column("metric", spoken="bare"), *_SCORES), tuple(_group_rows(scores)))
    if refused:
        yield from (Heading("Refused"), Bullets(tuple(_reasons(accuracy))))


def _scatter(metric: str, dots: Sequence[Dot]) -> Scatter:
    kinds = sorted({dot.architecture for dot in dots})
    by_kind = ((kind, tuple((d.measured, d.predicted) for d in dots if d.architecture == kind)) for kind in kinds)
    above = sum(dot.predicted > NEAR * dot.measured for dot in dots) / len(dots)
    near = share_near(dots)
    beyond = f"{show_percent(above)} above, {show_percent(1 - near - above)} below"
    return Scatter(METRICS[metric], tuple(by_kind), NEAR, f"{show_percent(near)} within ×{NEAR:g}, {beyond}")


def _covered(coverage: Mapping[str, Mapping[str, Coverage]]) -> Iterator[tuple[str, ...]]:
    for kind, by_metric in coverage.items():
        for metric, name in METRICS.items():
            if metric in by_metric:
                own = by_metric[metric]
                shares = (show_percent(share) for share in (own.inside_50, own.inside_80, own.inside_95))
                yield kind, name, show_count(own.n), *shares, f"× {show_figure(own.median_width)}"


def _rows_of(scores: Mapping[str, Score]) -> Iterator[tuple[str, ...]]:
    for metric, name in METRICS.items():
        if metric in scores:
            yield name, *_shown(scores[metric])


def _group_rows(scores: Mapping[str, Mapping[str, Score]]) -> Iterator[tuple[str, ...]]:
    for value, by_metric in scores.items():
        for metric, *figures in _rows_of(by_metric):
            yield value or "not stated", metric, *figures


def _shown(score: Score) -> tuple[str, ...]:
    errors = (show_percent(score.median_ape), show_percent(score.p90_ape))
    return show_count(score.n), *errors, show_figure(score.median_ratio)


def _beside(comparison: Comparison) -> Iterator[Block]:
    peer = f"{comparison.peer or 'the peer'} {comparison.peer_version}".strip()
    yield Heading(f"Beside {peer}")
    if not comparison.metrics:
        unknown = f"No measurement_id of its {show_count(comparison.predictions)} predictions is among these points"
        none = "No figure is predicted by both."
        yield Paragraph(none if comparison.known else f"{unknown}: --points gives those that it predicts.")
        return
    rows = []
    for metric, both in comparison.metrics.items():
        rows.append((METRICS[metric], "fleetcast", *_shown(both.ours)))
        rows.append((METRICS[metric], peer, *_shown(both.peer)))
    yield Table((Column("metric"), Column("by", spoken="bare"), *_SCORES), tuple(rows))
    ratios = [
        f"{METRICS[metric]} {show_figure(both.error_ratio)}"
        for metric, both in comparison.metrics.items()
        if both.error_ratio is not None
    ]
    if ratios:
        yield Paragraph(f"Our median error over that of {peer}: {', '.join(ratios)}.")


def _reasons(accuracy: Accuracy) -> Iterator[str]:
    counted = Counter(refusal.reason for refusal in accuracy.refused).most_common()
    for reason, count in counted[:SHOWN_REASONS]:
        yield f"{show_count(count)} × {reason}"
    rest = counted[SHOWN_REASONS:]
    if rest:
        points = sum(count for _, count in rest)
        yield f"{show_count(points)} more for {len(rest)} other reasons: --json lists every point"
