"""Several workloads at once: pooled, on shared cards, or apart."""

from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine import forecast, spec_from
from engine.choice.options import Option
from engine.choice.sharing.cards import MOST_PARTS, SharedCards, _layouts, cards_for, part_of, shared_cards, slice_of
from engine.choice.sharing.pool import adapter_bytes, pooled
from engine.choice.sharing.ways import Together, best_grouping, same_model, together
from engine.choice.sharing.workloads import Conflict, Workload, hourly_load, unbettered_hours, workload_of
from engine.question.lengths import lengths_of, mixed_lengths
from engine.simulation.fleet_state import FleetState
from engine.simulation.requests import requests_of
from engine.simulation.simulate import loops_for
from engine.simulation.step_model import step_model_of
from engine.training.memory import lora_parameters
from engine.workload import TokenDistribution, Tokens, WorkloadSpec
from tests.draws import draws

CATALOG = Catalog.load()
DAY = [0.2] * 8 + [2.2] * 8 + [0.6] * 8
NIGHT = [2.2] * 8 + [0.6] * 8 + [0.2] * 8


def asked(model: str, rate: float, prompt: float, answer: float, **more: Any) -> WorkloadSpec:
    values = {
        "model": model,
        "traffic.requests_per_s": rate,
        "tokens.input.mean": prompt,
        "tokens.output.mean": answer,
        "hardware.accelerators": ["h100-sxm-80gb"],
        "precision.weights": "bf16",
    }
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


def alone(name: str, spec: WorkloadSpec) -> Workload:
    found = workload_of(name, spec, CATALOG)
    assert found is not None
    return found


def of(*specs: WorkloadSpec) -> Together:
    found = together([(f"w{at}", spec) for at, spec in enumerate(specs)], CATALOG)
    assert isinstance(found, Together)
    return found


def test_a_pool_of_one_workload_is_its_own_fleet() -> None:
    one = alone("chat", asked("llama-3.1-8b", 60, 500, 250))
    pool = pooled([one])
    assert (pool.replicas, pool.accelerators, pool.monthly_usd) == (
        one.best.replicas, one.best.accelerators, one.best.monthly_usd,
    )  # fmt: skip
    assert pool.met[0].ttft_p95_s == pytest.approx(one.best.ttft_p95_s, rel=1e-3)


def test_two_halves_of_a_workload_pooled_are_the_whole() -> None:
    halves = [alone(name, asked("llama-3.1-8b", 30, 500, 250)) for name in "ab"]
    whole = alone("whole", asked("llama-3.1-8b", 60, 500, 250))
    assert pooled(halves).monthly_usd == whole.best.monthly_usd


def test_peaks_that_do_not_coincide_are_carried_by_fewer() -> None:
    """One asks by day, the other by night: their peaks do not add up."""
    day = asked("llama-3.1-8b", 60, 500, 250, traffic__hourly_profile=DAY)
    night = asked("llama-3.1-8b", 60, 500, 250, traffic__hourly_profile=NIGHT)
    found = of(day, night)
    same = of(day, day)
    assert found.best.kinds == ("pooled",)
    assert found.best.accelerators < same.best.accelerators
    # 2.8 and 4.4 times the mean.
    assert found.best.accelerators / same.best.accelerators == pytest.approx(2.8 / 4.4, abs=0.2)


@settings(max_examples=draws(8), deadline=None)
@given(
    rates=st.tuples(st.floats(0.2, 80), st.floats(0.2, 80)),
    prompts=st.tuples(st.sampled_from([200, 1000, 6000]), st.sampled_from([200, 1000, 6000])),
    models=st.sampled_from([("llama-3.1-8b", "llama-3.1-8b"), ("llama-3.1-8b", "qwen3-4b")]),
    profiles=st.tuples(st.sampled_from([DAY, NIGHT]), st.sampled_from([DAY, NIGHT])),
)
def test_together_never_costs_more_than_apart(
    rates: tuple[float, float], prompts: tuple[int, int], models: tuple[str, str], profiles: tuple[Any, Any]
) -> None:
    found = of(
        *(
            asked(model, rate, prompt, 200, traffic__hourly_profile=profile)
            for model, rate, prompt, profile in zip(models, rates, prompts, profiles, strict=True)
        )
    )
    assert found.best.monthly_usd <= found.apart.monthly_usd
    assert found.saved_usd >= 0
    assert found.apart.monthly_usd == pytest.approx(sum(one.best.measure("cost") for one in found.workloads))
    for grouping in (found.best, *found.others):
        assert sorted(name for fleet in grouping.fleets for name in fleet.workloads) == ["w0", "w1"]


def test_each_keeps_its_own_targets_in_the_pool() -> None:
    """A strict target of one costs the pool more replicas than both alone ask for, or holds in it."""
    strict = [{"metric": "ttft", "percentile": "p95", "seconds": 0.2}]
    chat = alone("chat", asked("llama-3.1-8b", 60, 500, 250, targets=strict))
    papers = alone("papers", asked("llama-3.1-8b", 6, 12000, 100))
    pool = pooled([chat, papers])
    by_name = {met.workload: met for met in pool.met}
    assert by_name["chat"].ttft_p95_s <= 0.2
    loose = pooled([alone("chat", asked("llama-3.1-8b", 60, 500, 250)), papers])
    assert loose.monthly_usd <= pool.monthly_usd


def test_a_looser_target_of_one_never_costs_the_pool_more() -> None:
    papers = alone("papers", asked("llama-3.1-8b", 6, 6000, 100))
    bills = []
    for seconds in (0.3, 0.6, 2.0):
        target = [{"metric": "ttft", "percentile": "p95", "seconds": seconds}]
        bills.append(pooled([alone("chat", asked("llama-3.1-8b", 60, 500, 250, targets=target)), papers]).monthly_usd)
    assert bills == sorted(bills, reverse=True)


def test_what_a_pool_meets_is_what_a_simulation_of_it_meets() -> None:
    """Two kinds of requests drawn at the busiest hour and served one by one, by the pool's replicas behind a router."""
    specs = (asked("llama-3.1-8b", 40, 500, 250), asked("llama-3.1-8b", 8, 3000, 200))
    workloads = [alone(f"w{at}", spec) for at, spec in enumerate(specs)]
    pool, count, random = pooled(workloads), 4000, np.random.default_rng(1)
    rates = np.array([float(one.hourly.max()) for one in workloads])
    arrivals = np.cumsum(random.exponential(1 / rates.sum(), count))
    kind = (random.random(count) < rates[1] / rates.sum()).astype(int)
    tokens = [np.zeros(count, dtype=np.int64) for _ in range(2)]
    for at, spec in enumerate(specs):
        for drawn, lengths in zip(tokens, (spec.tokens.input, spec.tokens.output), strict=True):
            sigma, mine = np.sqrt(np.log1p(lengths.lognormal_cv**2)), kind == at
            units = np.exp(sigma * random.standard_normal(int(mine.sum())) - sigma**2 / 2)
            drawn[mine] = np.maximum(1, lengths.mean * units)
    none = np.zeros(count, dtype=np.int64)
    model = step_model_of(pool.candidate)
    scheduler = pool.question.runtime.scheduler_on(pool.candidate.accelerator(0))
    fleet = FleetState(model, scheduler, pool.replicas, "least_outstanding", 0, loops_for("plain", 0), None)
    served = fleet.serve(requests_of(arrivals, *tokens, none, none), np.inf)
    ttft, itl = np.zeros(count), np.zeros(count)
    ttft[served.number] = served.first_token_s + model.overhead_s - served.arrival_s
    itl[served.number] = served.finish_s - served.first_token_s
    steady = (np.arange(count) > count // 5) & (np.arange(count) < count * 9 // 10)
    for at, met in enumerate(pool.met):
        mine = steady & (kind == at)
        # The formulas err to the safe side: they know how a router balances only roughly.
        assert 0.5 * met.ttft_p95_s < np.quantile(ttft[mine], 0.95) < 1.1 * met.ttft_p95_s
        assert itl[mine].sum() / (tokens[1][mine] - 1).sum() == pytest.approx(met.itl_s, rel=0.15)


def test_mixed_lengths_of_one_kind_are_its_own() -> None:
    lengths = lengths_of(Tokens(input=TokenDistribution(mean=900), output=TokenDistribution(mean=150)), 8192)
    mixed = mixed_lengths([(0.3, lengths), (0.7, lengths)])
    for name in ("decoded", "computed_mean", "live_mean", "reserved_mean", "running_output"):
        assert getattr(mixed, name) == pytest.approx(getattr(lengths, name)), name
    assert mixed.decode_context(np.inf) == pytest.approx(lengths.decode_context(np.inf))


def test_a_mixture_keeps_prompts_with_their_own_answers() -> None:
    """Long prompts with short answers and the reverse, by hand: those that decode are mostly the second kind."""

    def fixed(prompt: float, answer: float) -> Any:
        tokens = Tokens(input=TokenDistribution(mean=prompt, cv=0), output=TokenDistribution(mean=answer, cv=0))
        return lengths_of(tokens, 100_000)

    mixed = mixed_lengths([(0.5, fixed(10_000, 11)), (0.5, fixed(100, 991))])
    # 10 steps at 10,005 and 990 at 595, of 1,000.
    assert mixed.decode_context(np.inf) == pytest.approx((10 * 10_005 + 990 * 595) / 1000)
    assert mixed.live_mean == pytest.approx((11 * 10_005.5 + 991 * 595.5) / 1002)


@settings(max_examples=draws(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6))
def test_hours_that_another_betters_are_left_out(hours: list[tuple[int, int]]) -> None:
    kept = {tuple(row) for row in unbettered_hours(np.array(hours, dtype=float)).tolist()}
    for one in hours:
        bettered = any(o[0] >= one[0] and o[1] >= one[1] and o != one for o in hours)
        assert (tuple(map(float, one)) in kept) == (not bettered)


def test_a_week_beside_a_day_repeats_the_day() -> None:
    week = asked("llama-3.1-8b", 1, 500, 100, traffic__hourly_profile=[1.0] * 167 + [2.0])
    load = hourly_load([alone("a", asked("llama-3.1-8b", 1, 500, 100, traffic__hourly_profile=DAY)), alone("b", week)])
    assert load.shape == (168, 2)
    assert load[30, 0] == load[6, 0]


MIG = CATALOG.partitionings["mig-h100"]
PROFILES = {profile.name: profile for profile in MIG.profiles}


def test_layouts_are_those_that_nvidia_lists() -> None:
    """MIG User Guide, supported combinations on eight slices: what fits beside what."""
    fits = {
        ("3g", "3g"): 1, ("4g", "3g"): 1, ("4g", "4g"): 2, ("2g", "2g", "2g", "1g"): 1, ("3g", "2g", "2g"): 1,
        ("1g",) * 7: 1, ("1g",) * 8: 2, ("2g",) * 4: 2, ("4g", "2g", "1g"): 1, ("4g", "2g", "2g"): 2,
    }  # fmt: skip
    for names, cards in fits.items():
        kinds = sorted(set(names))
        counts = [names.count(kind) for kind in kinds]
        assert cards_for(MIG, [PROFILES[kind] for kind in kinds], counts) == cards, names


@settings(max_examples=draws(30), deadline=None)
@given(st.lists(st.sampled_from(["1g", "2g", "3g", "4g"]), min_size=1, max_size=7))
def test_cards_are_as_few_as_brute_force_finds(names: list[str]) -> None:
    """Every way to put each part into one of as many cards, first fit over all orders of placement."""

    def fit(parts: list[str], taken: int = 0) -> bool:
        if not parts:
            return True
        profile = PROFILES[parts[0]]
        for start in profile.starts:
            bits = ((1 << profile.memory_slices) - 1) << start
            if start + profile.memory_slices <= 8 and not bits & taken and fit(parts[1:], taken | bits):
                return True
        return False

    def packed(cards: int) -> bool:
        bins = product(range(cards), repeat=len(names) - 1)
        return any(
            all(fit([n for n, b in zip(names, (0, *to), strict=True) if b == at]) for at in range(cards)) for to in bins
        )

    fewest = next(cards for cards in range(1, len(names) + 1) if packed(cards))
    kinds = sorted(set(names))
    assert cards_for(MIG, [PROFILES[kind] for kind in kinds], [names.count(kind) for kind in kinds]) == fewest


def test_every_split_names_cards_and_no_slice_is_more_than_the_card() -> None:
    for split in CATALOG.partitionings.values():
        for name in split.accelerators:
            card = CATALOG.accelerators[name]
            for profile in split.profiles:
                part = slice_of(card, split, profile)
                assert part.memory_gib < card.memory_gib
                assert part.memory_gb_per_s <= card.memory_gb_per_s
                assert part.peak_tflops.bf16 < card.peak_tflops.bf16  # type: ignore[operator]
        assert all(max(p.starts) + p.memory_slices <= split.memory_slices for p in split.profiles)
        assert _layouts(split.memory_slices, tuple((p.memory_slices, p.starts) for p in split.profiles))


def test_models_that_leave_a_card_idle_share_one() -> None:
    found = of(asked("llama-3.1-8b", 1, 500, 250), asked("qwen3-4b", 0.5, 800, 200))
    assert found.best.accelerators == 1
    assert found.apart.accelerators == 2
    shared = found.best.fleets[0].of
    assert isinstance(shared, SharedCards)
    assert not any(refusal.kind == "pooled" for refusal in found.refusals)


def test_engines_that_take_turns_have_no_more_than_the_card() -> None:
    """Memory of all parts is that of the card at most, and each has half of the time of two."""
    pair = [alone("a", asked("llama-3.1-8b", 1, 500, 250)), alone("b", asked("qwen3-4b", 0.5, 800, 200))]
    shared = shared_cards(pair, "turns")
    assert sum(int(share.part[0]) for share in shared.shares) <= 8
    whole = CATALOG.accelerators["h100-sxm-80gb"]
    half = part_of(whole, "half", 0.5, 0.5, 0.5)
    assert half.memory_gb_per_s == whole.memory_gb_per_s / 2
    for one, share in zip(pair, shared.shares, strict=True):
        assert share.met.itl_s > 1.3 * one.best.itl_mean_s


def test_a_large_model_shares_no_card() -> None:
    pair = [alone("a", asked("llama-3.1-70b", 1, 500, 250)), alone("b", asked("qwen3-4b", 0.5, 800, 200))]
    for how in ("slices", "turns"):
        with pytest.raises(Conflict, match="a single card holds each of them"):
            shared_cards(pair, how)  # type: ignore[arg-type]


def test_a_stated_parallelism_is_kept() -> None:
    """An engine in a part of a card has no second card."""
    pair = [alone(name, asked("llama-3.1-8b", 1, 500, 250, serving__tensor_parallel=2)) for name in "ab"]
    for how in ("slices", "turns"):
        with pytest.raises(Conflict, match="parallelism 2"):
            shared_cards(pair, how)  # type: ignore[arg-type]


def test_fine_tunes_share_a_base_as_adapters_only() -> None:
    """Two models of one shape are two models; as adapters of one base they are pooled, each step 2 ms longer."""
    names = ("llama-3.1-8b", "deepseek-r1-distill-llama-8b")
    tuned = [alone(name, asked(name, 40, 500, 250)) for name in names]
    assert not same_model(tuned)
    base = pooled(tuned, adapters=True)
    plain = pooled(tuned)
    assert base.met[0].itl_s > plain.met[0].itl_s + 1.5e-3 or base.replicas > plain.replicas


@pytest.mark.parametrize("other", ["deepseek-r1-distill-llama-8b", "llama-3.1-8b", "qwen3-4b"])
def test_adapters_are_a_way_where_they_are_said_to_be_some(other: str) -> None:
    """Of one base's dimensions, or of one name: then one base on one fleet, its steps longer; else never."""
    specs = [("a", asked("llama-3.1-8b", 3, 500, 250)), ("b", asked(other, 3, 500, 250))]
    said = together(specs, CATALOG, adapters=True)
    assert isinstance(said, Together)
    if other == "qwen3-4b":
        assert "adapters" not in {fleet.kind for one in (said.best, *said.others) for fleet in one.fleets}
        return
    assert said.best.kinds == ("adapters",) and said.adapters is None
    assert said.best.accelerators == 1 and said.apart.accelerators == 2
    assert said.best.monthly_usd == pooled(said.workloads, adapters=True).monthly_usd


def test_an_adapter_weighs_what_its_factors_weigh() -> None:
    """Rank 16 on every linear layer of Llama 3.1 8B is 41.9 M parameters, by hand; it trains as many."""
    by_hand = 32 * 16 * ((4096 + 4096) * 2 + (4096 + 1024) * 2 + (4096 + 14336) * 3)
    assert by_hand == 41_943_040
    assert adapter_bytes(CATALOG.models["llama-3.1-8b"], 16) == 2 * by_hand
    assert lora_parameters(CATALOG.models["llama-3.1-8b"], 16) == by_hand


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"precision__weights": "fp8"}, "weights are in bf16 and fp8"),
        ({"serving__runtime": "sglang"}, "different serving.runtime"),
        ({"money__term": "reserved_1y"}, "different money.term"),
        ({"hardware__max_accelerators": 64}, "ceiling of its own"),
        ({"hardware__accelerators": ["h200-sxm-141gb"]}, "no accelerator"),
    ],
)
def test_what_excludes_each_other_is_said(other: dict[str, Any], why: str) -> None:
    pair = [alone("a", asked("llama-3.1-8b", 10, 500, 250, serving__runtime="vllm@0.11", money__term="spot")),
            alone("b", asked("llama-3.1-8b", 10, 500, 250, **other))]  # fmt: skip
    if "money__term" not in other and "serving__runtime" not in other:
        pair[0] = alone("a", asked("llama-3.1-8b", 10, 500, 250))
    with pytest.raises(Conflict, match=why):
        pooled(pair)


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({"serving__runtime": "sglang"}, lambda pool: pool.question.runtime.id == "sglang"),
        ({"serving__batch_cap": 8}, lambda pool: pool.question.batch_cap == 8),
        ({"serving__token_budget": 1024}, lambda pool: pool.question.token_budget == 1024),
        ({"serving__memory_utilisation": 0.7}, lambda pool: pool.question.memory_utilisation == 0.7),
        ({"serving__context_window": 8192}, lambda pool: pool.question.spec.serving.context_window is None),
        ({"hardware__accelerators_per_node": 4}, lambda pool: pool.candidate.per_node[0] == 4),
    ],
)
def test_what_one_states_holds_for_the_pool_whoever_comes_first(said: dict[str, Any], held: Any) -> None:
    pair = [alone("a", asked("llama-3.1-8b", 20, 500, 250)), alone("b", asked("llama-3.1-8b", 20, 500, 250, **said))]
    one, other = pooled(pair), pooled(pair[::-1])
    assert held(one) and held(other)
    assert (one.accelerators, one.monthly_usd) == (other.accelerators, other.monthly_usd)


def test_alone_each_has_the_fleet_that_a_forecast_gives_it() -> None:
    """In the weights as published, unless others are asked for, under the same targets."""
    specs = [asked(model, 5, 1000, 200, precision__weights=None) for model in ("llama-3.1-70b", "qwen3-32b")]
    found = of(*specs)
    for spec, fleet in zip(specs, found.apart.fleets, strict=True):
        plan, option = forecast(spec, CATALOG, verify=False), fleet.of
        assert isinstance(option, Option)
        assert option.precision == plan.chosen.precision.weights == "bf16"
        assert (option.accelerators, option.monthly_usd) == (plan.fleet.accelerators, plan.cost.monthly_usd)


def test_money_of_a_pool_is_the_money_of_all() -> None:
    """Other costs are paid for each, budgets add up, nobody's refused provider is taken."""
    pair = [
        alone("a", asked("llama-3.1-8b", 20, 500, 250, money__other_monthly_usd=100, money__monthly_budget_usd=5000)),
        alone("b", asked("llama-3.1-8b", 20, 500, 250, money__other_monthly_usd=30, money__monthly_budget_usd=9000)),
    ]
    plain = [alone(name, asked("llama-3.1-8b", 20, 500, 250)) for name in "ab"]
    assert pooled(pair).monthly_usd == pytest.approx(pooled(plain).monthly_usd + 130)
    assert pooled(pair).question.spec.money.monthly_budget_usd == 14_000
    assert shared_cards(pair, "turns").monthly_usd == pytest.approx(shared_cards(plain, "turns").monthly_usd + 130)
    seller = pooled(plain).offer
    assert seller is not None
    refusing = alone("b", asked("llama-3.1-8b", 20, 500, 250, money__excluded_providers=[seller.provider]))
    offer = pooled([plain[0], refusing]).offer
    assert offer is not None and offer.provider != seller.provider


@pytest.mark.parametrize("term", ["spot", "reserved_1y"])
def test_a_term_of_one_saves_the_other_nothing(term: str) -> None:
    """What is paid on demand alone is not compared with the same fleet on another's terms."""
    pair = [
        alone("a", asked("llama-3.1-8b", 10, 500, 250)),
        alone("b", asked("qwen3-4b", 10, 500, 250, money__term=term)),
    ]
    with pytest.raises(Conflict, match=r"different money\.term"):
        shared_cards(pair, "turns")


def test_many_parts_are_laid_out_at_once() -> None:
    """Work is bounded by the parts of a card and how many there may be, for any four workloads."""
    for split in CATALOG.partitionings.values():
        started = perf_counter()
        assert cards_for(split, split.profiles[:4], [12] * len(split.profiles[:4])) <= MOST_PARTS
        assert perf_counter() - started < 2


def test_workloads_of_many_cards_are_said_to_fill_them() -> None:
    pair = [alone(name, asked(name, 4000, 500, 250)) for name in ("llama-3.1-8b", "qwen3-4b")]
    for how in ("slices", "turns"):
        with pytest.raises(Conflict, match=f"more than {MOST_PARTS}"):
            shared_cards(pair, how)  # type: ignore[arg-type]


def test_a_spare_is_shared_by_a_pool() -> None:
    spec = asked("llama-3.1-8b", 30, 500, 250, availability__spare_replicas=1)
    found = best_grouping((alone("a", spec), alone("b", spec)))
    without = replace(spec, availability=replace(spec.availability, spare_replicas=0))
    plain = best_grouping((alone("a", without), alone("b", without)))
    assert found.best.accelerators == pooled([alone("a", without), alone("b", without)]).accelerators + 1
    assert found.apart.accelerators == plain.apart.accelerators + 2


def test_what_states_no_rate_or_is_alone_is_refused() -> None:
    spec = asked("llama-3.1-8b", 30, 500, 250)
    with pytest.raises(InputError, match="from 2 to 4"):
        together([("a", spec)], CATALOG)
    closed = replace(spec, traffic=replace(spec.traffic, requests_per_s=None, concurrency=20))
    with pytest.raises(InputError, match="states no rate"):
        together([("a", spec), ("b", closed)], CATALOG)
