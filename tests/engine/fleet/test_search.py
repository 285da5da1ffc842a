"""The search: one candidate among many is the same as alone, and the best is the cheapest."""

import numpy as np
import pytest
from msgspec.structs import replace

from engine.fleet.candidates import candidates
from engine.fleet.parallelisms import illegal_because
from engine.fleet.search import SizedCandidates, array_of_one, search
from engine.plan import Rejection
from tests.engine.asked import CATALOG, question

EVERYWHERE = {"hardware.accelerators": None}
TIGHT = {
    "targets": [
        {"metric": "ttft", "percentile": "p95", "seconds": 1.0},
        {"metric": "itl", "percentile": "p95", "seconds": 0.06},
    ]
}


def shape(found: SizedCandidates, row: int) -> tuple[str, int, int, int, int]:
    return found.candidates.accelerator(row).id, *found.candidates.parallelism.sizes(row)


@pytest.mark.parametrize(
    ("model", "targets"),
    [("llama-3.1-70b", False), ("llama-3.1-70b", True), ("deepseek-v3", False), ("gpt-oss-20b", True)],
)
def test_one_alone_is_the_same_as_one_among_many(model: str, targets: bool) -> None:
    """A scalar forecast and the search are the same functions; only the last bits of a sum may differ.

    Among many the offer is the one that all ways to split the model are compared on: the bill on it is the same.
    """
    values = {**EVERYWHERE, **(TIGHT if targets else {}), "model": model, "precision.weights": None}
    everything = search(question(values))
    rows = np.flatnonzero(~np.isnan(everything.capacity))
    assert len(rows) > 20
    for row in rows[:: max(1, len(rows) // 6)]:
        accelerator, tp, pp, dp, ep = shape(everything, int(row))
        fixed = {
            "hardware.accelerators": [accelerator],
            "serving.tensor_parallel": tp,
            "serving.pipeline_parallel": pp,
            "serving.data_parallel": dp,
            "serving.expert_parallel": ep,
        }
        alone = search(question({**values, **fixed}))
        assert len(alone.candidates) == 1
        assert alone.capacity[0] == pytest.approx(everything.capacity[row], rel=1e-9)
        assert alone.replicas.saturated_rate[0, 0] == pytest.approx(
            everything.replicas.saturated_rate[row, 0], rel=1e-12
        )
        assert alone.counts.total[0] == everything.counts.total[row]
        assert alone.monthly_usd[0] == pytest.approx(everything.monthly_usd[row])


def test_one_taken_out_is_the_one_that_was_there() -> None:
    everything = search(question(EVERYWHERE))
    row = int(everything.order[3])
    taken = array_of_one(everything, row)
    assert shape(taken, 0) == shape(everything, row)
    assert taken.capacity[0] == everything.capacity[row]
    batch = taken.batch[:, None]
    assert taken.replicas.at(batch).requests_per_s[0, 0] == pytest.approx(float(taken.capacity[0]), rel=1e-12)


def test_the_best_is_the_cheapest_whole_fleet_and_ties_go_to_fewer_accelerators() -> None:
    found = search(question({"hardware.accelerators": ["a100 80", "h100", "l40s", "mi300x"]}))
    bills = [(round(found.monthly_usd[row]), found.accelerators[row]) for row in found.order]
    assert len(bills) > 6
    assert bills == sorted(bills)


def test_where_nothing_is_named_measured_architectures_come_first() -> None:
    found = search(question(EVERYWHERE))
    entries = [found.candidates.accelerator(int(row)) for row in found.order]
    known = [CATALOG.accelerators[entry.kernels or entry.id].architecture == entry.architecture for entry in entries]
    keys = [(np.isinf(found.monthly_usd[row]), not one) for row, one in zip(found.order, known, strict=True)]
    assert keys == sorted(keys), "and what nobody offers comes last"
    assert any(known)
    assert not all(known)


def test_no_price_is_listed_last_and_never_chosen() -> None:
    found = search(question({"hardware.accelerators": ["a100 80", "h100", "h200", "b200"], "money.region": "us-east"}))
    priced = [bool(np.isfinite(found.monthly_usd[row])) for row in found.order]
    assert priced == sorted(priced, reverse=True)
    assert priced[0]


def test_nothing_announced_only_is_searched() -> None:
    found, _ = candidates(question(EVERYWHERE))
    assert not any(accelerator.announced_only for accelerator in found.accelerators)


def test_a_whole_fleet_holds_the_peak_with_growth_and_spares() -> None:
    values = {"traffic.peak_factor": 3.0, "traffic.growth_per_year": 0.5, "availability.spare_replicas": 2}
    found = search(question({**EVERYWHERE, **values}))
    for row in found.order:
        held = (found.counts.total[row] - 2) * found.capacity[row]
        assert held >= 10 * 3 * 1.5 * (1 - 1e-6)
        assert found.counts.total[row] * found.candidates.parallelism.accelerators[row] == found.accelerators[row]


@pytest.mark.parametrize("most", [8, 16, 40])
def test_a_ceiling_is_kept(most: int) -> None:
    found = search(question({**EVERYWHERE, "hardware.max_accelerators": most}))
    assert len(found.order)
    assert (found.accelerators[found.order] <= most).all()


def test_a_ceiling_in_nodes_is_kept() -> None:
    asked = question({"hardware.accelerators": ["a100 80", "h100", "l40s"], "hardware.nodes": 1})
    found = search(asked)
    nodes = found.accelerators[found.order] / found.candidates.per_node[found.order]
    assert len(nodes)
    assert (nodes <= 1).all()


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("unit", ["nodes", "replicas"])
def test_a_ceiling_in_nodes_or_replicas_is_kept(unit: str, most: int) -> None:
    found = search(question({**EVERYWHERE, f"hardware.max_{unit}": most}))
    assert len(found.order)
    each = found.candidates.per_node if unit == "nodes" else found.candidates.parallelism.accelerators
    assert (found.accelerators[found.order] <= most * each[found.order]).all()


@pytest.mark.parametrize("load", [{}, {"traffic.requests_per_s": None}])
def test_so_many_replicas_are_exactly_so_many(load: dict[str, None]) -> None:
    """With a rate that fewer would carry, and with none; spares are among them."""
    found = search(question({**load, "hardware.replicas": 5, "availability.spare_replicas": 1}))
    assert len(found.order)
    assert (found.counts.total[found.order] == 5).all()


def test_of_so_many_replicas_those_that_use_their_accelerators_best_come_first() -> None:
    found = search(question({**EVERYWHERE, "traffic.requests_per_s": None, "hardware.replicas": 3}))
    each = (found.capacity / found.candidates.parallelism.accelerators)[found.order[:10]]
    assert list(each) == sorted(each, reverse=True)


def test_of_a_given_fleet_the_best_carries_most() -> None:
    found = search(question({"traffic.requests_per_s": None, "hardware.accelerator_count": 16}))
    held = found.counts.total * found.capacity
    rates = [float(held[row]) for row in found.order]
    assert rates == sorted(rates, reverse=True)
    assert (found.accelerators[found.order] <= 16).all()


@pytest.mark.parametrize("count", [9, 12, 15, 23])
def test_an_odd_fleet_is_used_as_far_as_whole_replicas_go(count: int) -> None:
    found = search(question({"traffic.requests_per_s": None, "hardware.accelerator_count": count}))
    best = int(found.order[0])
    size = int(found.candidates.parallelism.accelerators[best])
    assert found.counts.total[best] == count // size


def test_every_candidate_is_legal_and_fits() -> None:
    found, _ = candidates(question({**EVERYWHERE, "model": "deepseek-v3", "precision.weights": None}))
    assert len(found) > 30
    memory = found.memory
    for row in range(len(found)):
        assert not illegal_because(found.question, found.parallelism.sizes(row))
    assert (found.seats >= 1).all()
    assert (memory.weights < memory.total).all()
    assert (memory.kv_cache > 0).all()


def test_what_does_not_fit_says_what_it_needed_and_what_there_was() -> None:
    """Llama 70B in 16 bit is 131.4 GiB: no count of T4s within a node holds it."""
    found, rejected = candidates(question({"hardware.accelerators": ["t4"]}))
    assert not len(found)
    (line,) = rejected
    assert isinstance(line, Rejection)
    assert line.needed is not None
    assert line.available is not None
    assert line.needed > line.available > 0
    assert "does not fit" in line.reason
    assert line.relaxations


def test_no_accelerator_at_all_is_an_empty_search() -> None:
    found = search(question({"precision.weights": "fp8", "serving.runtime": "tensorrt-llm"}))
    assert not len(found.order)
    assert "has no FP8 unit" in found.rejected[0].reason


def test_looser_targets_never_cost_more() -> None:
    """For every candidate, not only for the best."""
    tight = search(question({**EVERYWHERE, **TIGHT}))
    spec = tight.candidates.question.spec
    eased = tuple(replace(target, seconds=target.seconds * 1.5) for target in spec.targets)
    loose = search(replace(tight.candidates.question, spec=replace(spec, targets=eased)))
    met = ~np.isnan(tight.capacity)
    assert met.any()
    assert not np.isnan(loose.capacity[met]).any()
    assert (loose.counts.total[met] <= tight.counts.total[met]).all()
    assert (loose.monthly_usd[met] <= tight.monthly_usd[met]).all()


def test_stages_over_nodes_are_for_memory_alone() -> None:
    """A dense 70B fits eight accelerators: more nodes of it are more replicas. 671 GB of weights take two nodes."""
    values = {"hardware.accelerators": ["a100-sxm-80gb", "h100-sxm-80gb"], "precision.weights": None}
    split, _ = candidates(question(values | {"model": "llama-3.1-70b"}))
    assert set(split.parallelism.pp) == {1}
    large, _ = candidates(question(values | {"model": "deepseek-v3", "hardware.accelerators": ["h100-sxm-80gb"]}))
    staged = large.parallelism.pp > 1
    assert staged.any() and set(large.parallelism.accelerators[staged]) == {16}
    asked, _ = candidates(question(values | {"model": "llama-3.1-70b", "serving.pipeline_parallel": 4}))
    assert set(asked.parallelism.pp) == {4}


@pytest.mark.parametrize("count", ["replicas", "max_replicas"])
def test_stages_carry_a_load_where_replicas_are_counted(count: str) -> None:
    """Where no replica may be added, a longer pipeline is what carries more; a ceiling with room changes nothing."""
    loaded = {
        "model": "llama-3.1-70b", "hardware.accelerators": ["h100-sxm-80gb"], "precision.weights": "bf16",
        "traffic.requests_per_s": 12, "tokens.input.mean": 2000, "tokens.output.mean": 500, f"hardware.{count}": 1,
    }  # fmt: skip
    sized = search(question(loaded))
    stages = sized.candidates.parallelism.pp
    met = ~np.isnan(sized.monthly_usd)
    assert (stages > 1).any()
    assert met.any() and set(stages[met]) - {1}
    free, roomy = (
        search(question(loaded | {f"hardware.{count}": None})),
        search(question(loaded | {f"hardware.{count}": 99})),
    )
    assert set(free.candidates.parallelism.pp) == set(roomy.candidates.parallelism.pp) == {1}


@pytest.mark.parametrize(("limit", "least"), [("max_accelerators", 80), ("max_nodes", 10), ("max_power_kw", 105)])
def test_longer_pipelines_keep_a_ceiling_that_single_nodes_do_not(limit: str, least: int) -> None:
    """Prompts of 16,000 tokens take fewer accelerators in pipelines over nodes; with room, single nodes stay."""
    prompts = {
        "model": "llama-3.1-70b", "hardware.accelerators": ["h100-sxm-80gb"], "precision.weights": "bf16",
        "traffic.requests_per_s": 5, "tokens.input.mean": 16_000, "tokens.output.mean": 500,
        "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 3.0}],
    }  # fmt: skip
    free, capped, roomy = (
        search(question(prompts | {f"hardware.{limit}": value})) for value in (None, least, 10 * least)
    )
    assert free.accelerators[free.order[0]] == roomy.accelerators[roomy.order[0]] > 80
    assert capped.accelerators[capped.order[0]] <= 80
    assert capped.candidates.parallelism.pp[capped.order[0]] > 1


@pytest.mark.parametrize(
    ("model", "accelerator", "rate", "tokens", "tp"),
    [
        ("qwen3-32b", "gh200-96gb", 20.0, (2000, 500), 1),
        ("gpt-oss-120b", "gh200-96gb", 20.0, (2000, 500), 1),
        ("mistral-small-24b", "l40s", 40.0, (6000, 100), 4),
    ],
)
def test_a_split_that_is_asked_for_opens_no_cheaper_one(
    model: str, accelerator: str, rate: float, tokens: tuple[int, int], tp: int
) -> None:
    """Ranks and stages across hosts stay out where only tensor parallelism is stated, as where nothing is."""
    asked = {
        "model": model,
        "precision.weights": None,
        "hardware.accelerators": [accelerator],
        "traffic.requests_per_s": rate,
        "tokens.input.mean": tokens[0],
        "tokens.output.mean": tokens[1],
        "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 2.0}],
    }
    bills = []
    for extra in ({}, {"serving.tensor_parallel": tp}):
        found = search(question({**asked, **extra}))
        bills.append(min((float(found.monthly_usd[row]) for row in found.order), default=float("inf")))
    assert bills[0] <= bills[1]
