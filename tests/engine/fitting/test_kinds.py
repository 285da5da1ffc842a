"""The kinds of cases that were measured: what a plan is compared with to say that it is outside all data."""

import tomllib

from catalogs.catalog import Catalog
from catalogs.measurement_files import scorecard_points
from catalogs.records.fitted import MeasuredKind
from catalogs.records.validation import record_of
from engine.fitting.kinds import kinds_file, kinds_of


def test_the_scorecard_alone_has_its_kinds() -> None:
    catalog = Catalog.load()
    kinds = kinds_of((), scorecard_points(), catalog)
    assert {"Hopper", "Ampere", "CDNA3"} <= {kind.accelerator_architecture for kind in kinds}
    assert all(kind.least_parameters <= kind.most_parameters for kind in kinds)
    shipped = {(kind.accelerator_architecture, kind.model, kind.format): kind for kind in catalog.measured_kinds}
    for kind in kinds:  # the shipped kinds hold the scorecard's
        assert shipped[kind.accelerator_architecture, kind.model, kind.format].points >= kind.points


def test_a_stream_alone_is_no_serving() -> None:
    catalog = Catalog.load()
    alone = [row for row in scorecard_points() if row["load"] in ("decode_only", "prefill_only")]
    assert alone
    assert kinds_of((), alone, catalog) == []


def test_the_file_reads_back() -> None:
    kinds = kinds_of((), scorecard_points(), Catalog.load())
    again = [record_of(MeasuredKind, entry) for entry in tomllib.loads(kinds_file(kinds))["measured"]]
    assert [(kind.id, kind.points, kind.longest_tokens) for kind in again] == [
        (kind.id, kind.points, kind.longest_tokens) for kind in kinds
    ]
