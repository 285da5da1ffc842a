"""Options over the whole catalog: equal to one forecast at a time, and the laws of choosing."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine import CapacityPlan, forecast, spec_from
from engine.choice.front import binding, pareto_front, relaxations, runners_up, unable
from engine.choice.options import TERMS, Objective, Option, Options, options
from engine.workload import WorkloadSpec
from tests.draws import draws

CATALOG = Catalog.load()
TTFT = {"metric": "ttft", "percentile": "p95", "seconds": 0.6}
ITL = {"metric": "itl", "percentile": "p95", "seconds": 0.05}


def asked(**more: Any) -> WorkloadSpec:
    values = {
        "model": "llama-3.1-8b",
        "traffic.requests_per_s": 30,
        "tokens.input.mean": 1500,
        "tokens.output.mean": 300,
        "targets": [TTFT, ITL],
    }
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


SMALL: dict[str, Any] = {"hardware__accelerators": ["h100-sxm-80gb", "l40s", "l4"]}


@pytest.fixture(scope="module")
def everything() -> Options:
    return options(asked(), CATALOG)


def stated(option: Option) -> dict[str, Any]:
    values = {path.replace(".", "__"): value for path, value in option.values.items()}
    return values | {"hardware__accelerators": [option.accelerator]}


def test_the_best_is_that_of_asking_for_each_option_alone() -> None:
    """Brute force: a forecast for every accelerator × split × precision, each with one value of everything."""
    spec = asked(**SMALL)
    found = options(spec, CATALOG, terms=())
    bills = []
    for option in found.found:
        plan = forecast(asked(**SMALL | stated(option)), CATALOG, verify=False)
        assert isinstance(plan, CapacityPlan)
        assert plan.cost.monthly_usd == pytest.approx(option.monthly_usd)
        assert plan.fleet.accelerators + _spares(plan) == option.accelerators
        assert plan.performance.at_peak.itl_s.mean == pytest.approx(option.itl_mean_s, rel=0.02)
        if plan.energy and option.kwh_per_month:
            assert plan.energy.kwh_per_month == pytest.approx(option.kwh_per_month, rel=0.02)
        bills.append((plan.cost.monthly_usd or 0.0, option))
    assert len(bills) > 20
    assert found.best("cost", "on_demand")[0].monthly_usd == pytest.approx(min(bill for bill, _ in bills))


def _spares(plan: CapacityPlan) -> int:
    return sum(line.accelerators for line in plan.fleet.ledger if line.reason == "spares")


def test_it_chooses_what_forecast_chooses_where_the_precision_is_said() -> None:
    spec = asked(**SMALL, precision__weights="fp8")
    plan = forecast(spec, CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    best = options(spec, CATALOG).best("cost", "on_demand")[0]
    assert (best.accelerator, best.monthly_usd) == (plan.chosen.accelerator, pytest.approx(plan.cost.monthly_usd))


def test_the_front_has_no_dominated_point(everything: Options) -> None:
    there = everything.best("cost", "on_demand")
    front = pareto_front(there)
    assert len(front) > 2
    for cheap, dear in pairwise(front):
        assert cheap.measure("cost") < dear.measure("cost") and cheap.latency_s > dear.latency_s
    for option in there:
        if not option.doubt and option.monthly_usd is not None and option.quality != "fewer bits":
            assert any(p.measure("cost") <= option.monthly_usd and p.latency_s <= option.latency_s for p in front)


@pytest.mark.parametrize("objective", ["cost", "latency", "energy", "count"])
def test_each_objective_is_best_by_its_own_measure(everything: Options, objective: Objective) -> None:
    ranked = [option for option in everything.best(objective, "on_demand") if not option.doubt]
    ranked = [option for option in ranked if option.quality == "own"]
    measures = [option.measure(objective) for option in ranked if option.monthly_usd is not None]
    assert measures == sorted(measures)
    others = runners_up(everything, everything.best(objective, "on_demand"), objective)
    assert len({option.accelerator for option, _ in others}) == len(others)
    assert all(why for _, why in others)


def test_terms_that_nobody_offers_are_left_out(
    everything: Options,
) -> None:
    by_term = {term: everything.best("cost", term) for term in ("on_demand", "reserved_1y", "reserved_3y", "spot")}
    assert by_term["on_demand"]
    assert all(option.monthly_usd is not None for term in by_term if term != "on_demand" for option in by_term[term])


@settings(max_examples=draws(6), deadline=None)
@given(times=st.floats(1.0, 4.0), rate=st.floats(1, 200))
def test_a_looser_target_never_costs_more(times: float, rate: float) -> None:
    def cheapest(ttft: float) -> float:
        targets = [TTFT | {"seconds": ttft}, ITL]
        found = options(asked(**SMALL, targets=targets, traffic__requests_per_s=rate), CATALOG, terms=())
        return min((o.measure("cost") for o in found.found), default=float("inf"))

    assert cheapest(0.3 * times) <= cheapest(0.3) * (1 + 1e-9)


def test_what_a_looser_target_saves_is_what_the_looser_question_costs() -> None:
    targets = [TTFT | {"seconds": 0.12}, ITL | {"seconds": 0.015}]
    spec = asked(**SMALL, precision__weights="bf16", targets=targets, traffic__requests_per_s=100)
    found = options(spec, CATALOG, terms=())
    best = found.best("cost", "on_demand")[0]
    saved = [one for one in relaxations(found, best) if one.to_s]
    assert saved
    for one in saved:
        named = one.constraint.casefold().split()
        looser = [t | {"seconds": one.to_s} if [t["metric"], t["percentile"]] == named else t for t in targets]
        again = options(asked(**SMALL, precision__weights="bf16", targets=looser, traffic__requests_per_s=100), CATALOG)
        assert best.measure("cost") - again.best("cost", "on_demand")[0].measure("cost") == pytest.approx(
            one.monthly_usd
        )


def test_any_provider_is_the_best_of_asking_for_each() -> None:
    """Brute force over every accelerator × split × term × provider."""
    small = SMALL | {"precision__weights": "bf16"}
    found = options(asked(**small, money__provider="any"), CATALOG)
    for term in TERMS:
        best = found.best("cost", term)[0]
        by_provider = {one.provider: one.measure("cost") for one in found.at_providers("cost", term)}
        each = {}
        for provider in sorted(by_provider):
            alone = options(asked(**small, money__provider=provider, money__term=term), CATALOG, terms=())
            each[provider] = alone.best("cost", term)[0].measure("cost")
        assert by_provider == pytest.approx(each)
        assert best.monthly_usd == pytest.approx(min(each.values()))


def test_several_providers_are_no_dearer_than_one_of_them_and_any_no_dearer_than_the_usual() -> None:
    def cheapest(provider: str | None) -> float:
        spec = asked(**SMALL, money__provider=provider, precision__weights="bf16")
        return options(spec, CATALOG, terms=()).best("cost", "on_demand")[0].measure("cost")

    one, other, both, any_, usual = map(cheapest, ("aws", "lambda", "aws,lambda", "any", None))
    assert any_ <= both == min(one, other)
    assert any_ <= usual


def test_fewer_bits_than_were_published_are_never_chosen_unless_asked_for(everything: Options) -> None:
    assert everything.best("cost", "on_demand")[0].quality == "own"
    assert options(asked(precision__weights="int4"), CATALOG, terms=()).best("cost", "on_demand")[0].quality == "own"


def test_each_accelerator_is_an_option_or_has_a_reason_why_not(everything: Options) -> None:
    named = {option.accelerator_name for option in everything.found} | {name for name, _ in unable(everything)}
    assert named >= {accelerator.name for accelerator in everything.searched[0][0].accelerators}
    assert binding(everything, everything.best("cost", "on_demand")[0]).endswith("binds")


def test_without_a_load_there_is_nothing_to_choose() -> None:
    values = {"model": "llama-3.1-8b", "hardware.replicas": 2, "tokens.input.mean": 1500, "tokens.output.mean": 300}
    with pytest.raises(InputError, match="no load"):
        options(spec_from(values), CATALOG)


def test_a_card_for_desktops_is_chosen_only_where_it_is_named() -> None:
    """GeForce cards are cheapest for a small chat, and their licence excludes data centres: said, not chosen."""
    spec = asked(money__provider="runpod", traffic__requests_per_s=3, tokens__input__mean=500)
    found = options(spec, CATALOG, terms=())
    best = found.best("cost", "on_demand")
    assert not CATALOG.accelerators[best[0].accelerator].consumer
    desktops = [option for option in found.found if CATALOG.accelerators[option.accelerator].consumer]
    desktop = min((o for o in desktops if o.quality != "fewer bits"), key=lambda o: o.measure("cost"))
    assert desktop.measure("cost") < best[0].measure("cost")
    saved = [one for one in relaxations(found, best[0]) if "for desktops" in one.to]
    assert saved and saved[0].monthly_usd == pytest.approx(best[0].measure("cost") - desktop.measure("cost"))
    assert not any(CATALOG.accelerators[o.accelerator].consumer for o in pareto_front(best))
    assert "licence" in {o.accelerator: why for o, why in runners_up(found, best, "cost")}[desktop.accelerator]
    named = options(replace(spec, hardware=replace(spec.hardware, accelerators=("rtx-5090",))), CATALOG, terms=())
    assert named.best("cost", "on_demand")[0].accelerator == "rtx-5090"
    assert not named.best("cost", "on_demand")[0].doubt


def test_those_that_fall_short_are_listed_as_people_rent_them(everything: Options) -> None:
    """Why not an L4 is what is asked, not why not a laptop: what most providers rent first, desktops last."""
    listed = [name for name, _ in unable(everything)]
    consumer = [next(a for a in CATALOG.accelerators.values() if a.name == name).consumer for name in listed]
    assert consumer == sorted(consumer) and any(consumer) and not all(consumer)
