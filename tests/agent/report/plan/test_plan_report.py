import io
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from agent.report.blocks import Report
from agent.report.plan.bands import fleet_sentence
from agent.report.plan.plan_report import whole_report
from agent.report.plan.screenful import screenful
from agent.report.rendering.layout import height, lines
from agent.report.rendering.markdown import markdown
from agent.report.rendering.plain import plain_text
from agent.report.rendering.show import show
from agent.report.rendering.wrapping import cells
from engine.plan import (
    Answer,
    Assumption,
    BandPart,
    Bands,
    CapacityBand,
    CapacityPlan,
    CountRange,
    FleetBand,
    LatencyBand,
    LedgerLine,
    PerformanceBand,
    PerformanceBands,
    Range,
    Rejection,
    TargetResult,
)
from engine.workload import BandLevel, Source, WorkloadSpec
from tests.agent.report.sample import line_text, plan, unpriced, verbose
from tests.draws import draws

PLANS = {"plan": plan, "unpriced": unpriced, "verbose": verbose}
GOLDEN = Path(__file__).parent / "screenful_80.txt"


def text(report: Report, width: int) -> str:
    return "\n".join(line_text(line) for line in lines(report, width))


def shown(report: Report, **options: object) -> str:
    file = io.StringIO()
    show(report, file=file, **options)  # type: ignore[arg-type]
    return file.getvalue()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", PLANS)
def test_screenful_fits_a_screen(name: str) -> None:
    assert height(screenful(PLANS[name]()), 80) <= 25


@settings(max_examples=draws(40), deadline=None)
@given(
    st.lists(st.integers(0, 900), max_size=4),
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), max_size=6),
    st.integers(0, 12),
    st.integers(1, 400),
    st.integers(0, 600),
)
def test_screenful_fits_a_screen_whatever_the_plan_says(
    warnings: list[int], assumptions: list[tuple[int, int]], targets: int, answer: int, flags: int
) -> None:
    def words(length: int) -> str:
        return ("the peak hour takes more replicas than asked " * 30)[:length].strip() or "a"

    base = plan()
    crowded = replace(
        base,
        answer=Answer(False, words(answer), 12.0, words(answer // 4 + 1)),
        warnings=tuple(words(length) for length in warnings),
        assumptions=tuple(Assumption(words(said), words(moved) if moved else "") for said, moved in assumptions),
        targets=tuple(TargetResult("ttft", "p95", 0.8, 0.7 + n / 10, n < 1) for n in range(targets)),
        chosen=replace(base.chosen, command="--flag value " * (flags // 13)),
    )
    assert height(screenful(crowded), 80) <= 25


@pytest.mark.parametrize("width", [40, 57, 80, 200])
@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("of", [screenful, whole_report])
def test_no_line_is_wider_than_asked(name: str, width: int, of: object) -> None:
    report = of(PLANS[name]())  # type: ignore[operator]
    wide = [line for line in text(report, width).splitlines() if cells(line) > width]
    wide += [line for line in plain_text(report, width).splitlines() if cells(line) > width]
    assert wide == []


def test_screenful_reads_as_before() -> None:
    assert text(screenful(plan()), 80) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_first_warning_comes_before_every_table() -> None:
    screen = text(screenful(plan()), 80)
    assert screen.index("Warning: E2E p99 of 24 s") < screen.index("forecast")
    assert "1 more in the full report" in screen
    assert plan().warnings[1] in plain_text(whole_report(plan()))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_missed_target_is_said_in_words_and_first(width: int) -> None:
    screen = " ".join(text(screenful(plan()), width).split())
    assert "Misses 1 of 3 targets: E2E p99;" in screen
    assert "missed by 15 %" in screen
    assert screen.index("missed by") < screen.index("640 ms")


def test_met_targets_are_said_in_words() -> None:
    base = plan()
    met = tuple(replace(item, forecast_s=item.target_s / 2, met=True) for item in base.targets)
    screen = plain_text(screenful(replace(base, targets=met, answer=replace(base.answer, meets_targets=True))))
    assert "Meets all 3 targets at the peak; " in screen
    assert "TTFT p95: 400 ms (target 800 ms, met)" in screen
    assert "missed" not in screen


def test_without_targets_latencies_are_shown_and_it_is_said() -> None:
    screen = plain_text(screenful(unpriced()))
    assert "No target was given; " in screen
    assert "TTFT: mean 331 ms, p95 596 ms, p99 662 ms" in screen


@pytest.mark.parametrize("of", [screenful, whole_report])
def test_missing_price_is_said(of: object) -> None:
    report = plain_text(of(unpriced()))  # type: ignore[operator]
    assert "today: replicas 3, GPUs 12, monthly no price" in report
    assert "The bill is unknown: no offer of it has a price." in report
    assert "$" not in report


def test_bill_at_an_own_price_needs_no_offer() -> None:
    base = plan()
    own = replace(base, chosen=replace(base.chosen, offer=None), cost=replace(base.cost, note="at your own price"))
    assert "at your own price" in plain_text(screenful(own))
    assert "unknown" not in plain_text(whole_report(own))


def test_exceeded_budget_is_said_on_the_screen() -> None:
    base = plan()
    screen = text(screenful(replace(base, cost=replace(base.cost, within_budget=False))), 200)
    assert "over the budget" in " ".join(screen.split())


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("of", [screenful, whole_report])
def test_plain_holds_every_figure_and_no_drawing(name: str, of: object) -> None:
    report = of(PLANS[name]())  # type: ignore[operator]
    plain = plain_text(report)
    assert not re.search(r"[\u2500-\u259f|]", plain)
    number = r"\d+(?:[.,]\d+)*"
    assert not Counter(re.findall(number, text(report, 400))) - Counter(re.findall(number, plain))


def test_full_holds_what_the_screenful_holds() -> None:
    whole = plain_text(whole_report(plan()))
    numbers = set(re.findall(r"\d[\d,.]*\d", plain_text(screenful(plan()))))
    assert not {number for number in numbers if number not in whole}


def test_full_shows_every_figure_of_the_plan() -> None:
    """Each part of the plan is reachable: changing any number in it changes the report."""
    base = plain_text(whole_report(plan()))
    unmoved = [path for path, changed in _perturbed(plan()) if plain_text(whole_report(changed)) == base]
    assert unmoved == []


def _perturbed(record: Struct, path: str = "") -> list[tuple[str, object]]:
    """Return copies of a record, each with one number multiplied by 1.7."""
    out: list[tuple[str, object]] = []
    for name in record.__struct_fields__:
        value, here = getattr(record, name), f"{path}{name}"
        if here == "schema_version":
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            changed = type(value)(value * 1.7 + 1)
            out.append((here, replace(record, **{name: changed})))
        elif isinstance(value, Struct) and not isinstance(value, WorkloadSpec):
            for inner, copy in _perturbed(value, f"{here}."):
                out.append((inner, replace(record, **{name: copy})))
        elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
            for inner, copy in _perturbed(value[0], f"{here}[0]."):
                out.append((inner, replace(record, **{name: (copy, *value[1:])})))
    return out


def test_sources_stand_beside_their_values() -> None:
    workload = plain_text(whole_report(plan()))
    assert "rate, mean: 10 requests/s (flag --rps)" in workload
    assert "burstiness (CV of arrivals): 1.1 (preset chat)" in workload
    assert "answer, CV: 0.8 (default)" in workload
    assert 'ITL mean: 60 ms (said "p95 TTFT under 800ms' in workload


def test_value_stated_for_a_quiet_field_is_shown() -> None:
    base = plan()
    assert "warm-up: 60 s" not in plain_text(whole_report(base))
    stated = replace(base, sources={**base.sources, "scaling.warm_up_s": Source("settings")})
    assert "warm-up: 60 s (settings)" in plain_text(whole_report(stated))


def bands_at(level: BandLevel, accelerators: CountRange) -> Bands:
    ttft, itl = (LatencyBand(*[band] * 5) for band in (Range(0.51, 0.83), Range(0.04, 0.05)))
    at = PerformanceBand(ttft_s=ttft, itl_s=itl, e2e_s=ttft)
    return Bands(
        level=level,
        note=None,
        performance=PerformanceBands(at_mean=at, at_peak=at),
        replica_capacity=CapacityBand(Range(4.0, 6.0)),
        fleet=FleetBand(CountRange(3, 4), accelerators, Range(12.0, 18.0)),
    )


@pytest.mark.parametrize(("level", "rare"), [(50, "four"), (80, "ten"), (95, "forty")])
def test_bands_are_said_in_plain_words(level: BandLevel, rare: str) -> None:
    bands = bands_at(level, accelerators=CountRange(12, 16))
    sure = replace(plan(), bands=bands)
    report = plain_text(whole_report(sure))
    said = f"TTFT p95 at the peak: 510 ms to 830 ms; one plan in {rare} lies above, one plan in {rare} below."
    assert said in report
    range_of_fleets = f"12 GPUs; 12–16 if the forecast is off by as much as one plan in {rare} is."
    assert range_of_fleets in report
    assert range_of_fleets in plain_text(screenful(sure))
    unlike = replace(plan(), bands=replace(bands, note="outside all data: nothing is like it"))
    for report in (whole_report(unlike), screenful(unlike)):
        assert plain_text(report).count("Outside all data: nothing is like it.") == 1
    assert "How sure" not in plain_text(whole_report(plan()))


def test_the_parts_of_the_bands_are_said_with_what_they_rest_on() -> None:
    parts = (BandPart("source", ttft=1.4, itl=1.25, throughput=1.6, groups=7), BandPart("run", 1.3, 1.1, 1.2, 40))
    bands = replace(bands_at(80, accelerators=CountRange(12, 16)), parts=parts)
    report = plain_text(whole_report(replace(plan(), bands=bands)))
    said = (
        "ITL × 1.25, TTFT × 1.40 and capacity × 1.60 either way are from the versions and settings of servers that "
        "nobody here has measured (7 sources measured)."
    )
    assert said in report
    assert "a benchmark on your own servers leaves the last alone" in report
    unsure = replace(plan(), bands=replace(bands, measure_first=True))
    for said_first in (plain_text(whole_report(unsure)), plain_text(screenful(unsure))):
        assert said_first.startswith("The speed of A100 SXM4 80GB is not known within a factor of 2; measure before")


def test_one_accelerator_holds() -> None:
    said = fleet_sentence(replace(plan(), bands=bands_at(80, accelerators=CountRange(1, 1))))
    assert said == "1 GPU holds even if the forecast is off by as much as one plan in ten is"


@pytest.mark.parametrize("name", PLANS)
def test_markdown_tables_are_valid(name: str) -> None:
    tables = [part for part in markdown(whole_report(PLANS[name]())).split("\n\n") if part.startswith("|")]
    assert len(tables) >= 8
    for table in tables:
        head, rule, *body = table.splitlines()
        columns = len(re.findall(r"(?<!\\)\|", head)) - 1
        assert re.fullmatch(rf"\|( -{{3}}:? \|){{{columns}}}", rule)
        assert all(len(re.findall(r"(?<!\\)\|", row)) - 1 == columns for row in body)


def test_no_color_and_no_terminal_give_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, bare, piped = Terminal(), Terminal(), io.StringIO()
    show(screenful(plan()), width=80, file=coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    show(screenful(plan()), width=80, file=bare)
    monkeypatch.delenv("NO_COLOR")
    show(screenful(plan()), width=80, file=piped)
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b" not in bare.getvalue() + piped.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.getvalue()) == bare.getvalue() == piped.getvalue()


def test_output_survives_an_encoding_without_our_signs() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    show(whole_report(plan()), width=80, file=file)
    file.flush()
    assert b"12 x A100 SXM4 80GB" in raw.getvalue()
    assert b"####" in raw.getvalue()


def test_plan_survives_a_report_without_optional_parts() -> None:
    base: CapacityPlan = unpriced()
    bare = replace(
        base, alternatives=(), rejected=(), assumptions=(), chosen=replace(base.chosen, command="", flags=())
    )
    report = shown(whole_report(bare), width=80)
    assert "Alternatives" not in report
    assert "Start each replica" not in report
    assert "Provenance" in report
    assert report.endswith("\n")


def test_a_price_without_a_date_has_no_empty_place_for_one() -> None:
    base = plan()
    assert base.chosen.offer
    own = replace(base, chosen=replace(base.chosen, offer=replace(base.chosen.offer, checked="")), warnings=())
    for report in (screenful(own), whole_report(own)):
        assert "price of" not in plain_text(report)


def test_a_burst_that_today_s_fleet_does_not_hold_is_said() -> None:
    """As many more as the ledger's line of the burst has; nothing is said without one."""
    base = plan()
    without = tuple(replace(line, replicas=0) if line.reason == "burst" else line for line in base.fleet.ledger)
    burst = (LedgerLine("burst", "", 2, 8, 0.0), *(line for line in without if line.reason != "burst"))
    said = "busiest minute"
    assert said not in plain_text(screenful(replace(base, fleet=replace(base.fleet, ledger=without))))
    shown = plain_text(whole_report(replace(base, fleet=replace(base.fleet, ledger=burst))))
    assert f"takes {base.fleet.replicas + 2}" in shown


def test_what_a_rejection_says_in_words_is_not_said_again_in_brackets() -> None:
    base = plan()
    twice = Rejection("8B", "it needs 18.6 GiB and 14.6 GiB are usable", 18.6 * 2**30, 14.6 * 2**30, "bytes", ())
    bare = replace(twice, reason="it does not fit")
    shown = [plain_text(whole_report(replace(base, rejected=(one,)))) for one in (twice, bare)]
    assert [text.count("18.6 GiB") for text in shown] == [1, 1]
