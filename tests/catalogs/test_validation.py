"""What is wrong with the values of a record is said of each field, in words."""

import pytest

from catalogs.records.accelerators import Link
from catalogs.records.fitted import StatedConstants
from catalogs.records.models import LayerGroup
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.validation import InvalidValues, record_of
from engine.workload import Target, TokenDistribution, WorkloadSpec

GROUPED = {"kind": "grouped", "heads": 8, "kv_heads": 2, "head_dim": 64}


def faults(kind: type, values: object) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidValues) as raised:
        record_of(kind, values)
    return [(fault.path, fault.kind, fault.problem) for fault in raised.value.faults]


def test_every_fault_is_named_fields_first_and_unknown_ones_last() -> None:
    assert faults(Link, {"knd": "NVLink4", "gb_per_s": float("inf"), "domain": 0}) == [
        ("kind", "missing", "it is missing"),
        ("gb_per_s", "value", "must be a finite number"),
        ("domain", "value", "must be greater than or equal to 1"),
        ("knd", "unknown", "there is no such field"),
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"metric": "ttft", "percentile": "p96", "seconds": 1},
         ("percentile", "value", "must be 'mean', 'p50', 'p90', 'p95' or 'p99'")),
        ({"metric": "ttft", "percentile": "p95", "seconds": float("nan")},
         ("seconds", "value", "must be greater than 0")),
        ({"metric": "ttft", "percentile": "p95", "seconds": True}, ("seconds", "value", "must be a number")),
        ({"metric": 3, "percentile": "p95", "seconds": 1}, ("metric", "value", "must be text")),
        ("a target", ("", "value", "must be fields of its own")),
    ],
)  # fmt: skip
def test_a_value_is_refused_with_what_is_accepted(values: object, fault: tuple[str, str, str]) -> None:
    assert faults(Target, values) == [fault]


def test_the_member_of_a_union_is_told_by_its_kind() -> None:
    wrong = {"count": 1, "attention": GROUPED | {"head_dim": "wide"}}
    assert faults(LayerGroup, wrong) == [("attention.head_dim", "value", "must be a whole number")]
    assert faults(LayerGroup, {"count": 1, "attention": GROUPED | {"kind": "other"}}) == [
        ("attention.kind", "value", "must be 'grouped', 'latent', 'linear' or 'parallel'")
    ]
    assert faults(LayerGroup, {"count": 1, "attention": {"kind": []}})[0][0] == "attention.kind"
    assert record_of(LayerGroup, {"count": 1, "attention": GROUPED}).attention is not None


def test_a_constant_of_a_fitted_entry_may_be_left_out_and_not_be_a_table() -> None:
    assert faults(StatedConstants, {"id": "a", "fitted_on": "", "linear_memory": {}}) == [
        ("linear_memory", "value", "must be a number")
    ]


def test_values_that_contradict_each_other_are_refused_where_they_stand() -> None:
    contradiction = ("tokens.input", "contradiction", "p95 5 is below the mean 10")
    tokens = {"input": {"mean": 10, "p95": 5}, "output": {"mean": 1}}
    assert faults(WorkloadSpec, {"model": "x", "tokens": tokens}) == [contradiction]
    with pytest.raises(ValueError, match="the mean is 250 at the least, not 200"):
        TokenDistribution(mean=200, p95=5000)
    cut = {"input": {"mean": 10}, "output": {"mean": 300}, "reasoning_tokens": 50, "max_tokens": 349}
    (fault,) = faults(WorkloadSpec, {"model": "x", "tokens": cut})
    assert fault[0] == "tokens" and "max_tokens 349 is below the mean answer of 350 tokens" in fault[2]
    assert record_of(WorkloadSpec, {"model": "x", "tokens": cut | {"max_tokens": 350}}).tokens.max_tokens == 350
    assert TokenDistribution(mean=200, p95=773).beyond_lognormal is None
    assert TokenDistribution(mean=200, p95=1000).beyond_lognormal == pytest.approx(774, abs=1)
    with pytest.raises(ValueError, match="state one of them"):
        TokenDistribution(mean=1, cv=1, p95=2)


def test_items_and_keys_are_named_by_their_place() -> None:
    said = {"id": "a", "source": "b", "requests": [[1, 2, 3], [1, 2]]}
    assert faults(BenchmarkProtocol, said) == [("requests.1", "value", "must be a list of length 3, got 2")]
