import pytest
from msgspec.structs import replace

from agent.after_plan.sums import FIGURES
from agent.report.blocks import Report
from agent.report.plan.plan_report import whole_report
from agent.report.plan.replay_section import replay_blocks, replay_sentence
from agent.report.plan.screenful import screenful
from agent.report.rendering.layout import height, lines
from agent.report.rendering.markdown import markdown
from agent.report.rendering.plain import plain_text
from agent.report.rendering.wrapping import cells
from engine.plan import (
    CapacityPlan,
    Correction,
    Moment,
    Replay,
    SimulatedFigure,
    SimulatedLatency,
    SimulatedTarget,
)
from tests.agent.report.sample import line_text, plan, unpriced, verbose

FIGURE = SimulatedFigure(0.4, 0.35, 0.45, None)
LATENCY = SimulatedLatency(FIGURE, FIGURE, FIGURE, FIGURE, FIGURE)
WINDOW = Correction("scale_down_window_s", 521.0, 1042.0, "replicas were asked back 9 times in the day")


def moment(name: str, met: bool) -> Moment:
    target = SimulatedTarget("ttft", "p95", 0.8, 0.9, 0.85, 0.95, None, met, 0.93)
    return Moment(name, 133_200.0, 190.0, 3000, 3, 3, 5.4, LATENCY, None, LATENCY, (target,))  # type: ignore[arg-type]


def replayed(base: CapacityPlan, **changed: object) -> CapacityPlan:
    """Return a plan with a week whose autoscaler follows the day."""
    hours = [1.0 + (hour % 24) / 12 for hour in range(168)]
    record = Replay(
        shape="week",
        basis="the hours of chat traffic",
        seed=0,
        met=0.9921,
        replica_hours=327.5,
        accelerator_hours=1310.2,
        fixed_replicas=3,
        fixed_accelerator_hours=1523.0,
        saving=0.1397,
        minimum_replicas=1,
        maximum_replicas=3,
        scale_ups=14,
        scale_downs=1,
        flaps=2,
        late_minutes=11,
        beyond_fleet_minutes=400,
        corrections=(),
        requests_per_s_by_hour=tuple(10 * hour for hour in hours),
        replicas_by_hour=tuple(hours),
    )
    return replace(base, replay=replace(record, **changed))  # type: ignore[arg-type]


def test_the_replay_is_said_in_one_sentence() -> None:
    assert replay_sentence(replayed(plan())) == (
        "Replayed one week of this shape, a new replica after 4.3 min: 99.2 % of requests met the targets, 1,310 "
        "GPU-hours, 14 % less than a fixed fleet of 3."
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"met": 1.0}, "all requests met"),
        ({"met": 0.99999}, "99.9 % of requests met"),
        ({"saving": 0.001}, "as many as a fixed fleet"),
        ({"saving": -0.05}, "5 % more than a fixed fleet"),
        ({"corrections": (WINDOW,)}, "corrects the autoscaler: scale-down window 17.4 min, where 8.7 min did worse."),
    ],
)
def test_the_sentence_says_what_is_so(changed: dict[str, object], said: str) -> None:
    assert said in replay_sentence(replayed(plan(), **changed))


def test_without_targets_saturation_is_spoken_of() -> None:
    assert "of requests came below saturation" in replay_sentence(replayed(unpriced()))


def test_a_plan_that_nobody_replayed_says_nothing() -> None:
    assert replay_sentence(plan()) == ""
    assert "Replayed" not in plain_text(screenful(plan()))


def test_a_fleet_that_never_scales_says_so_in_a_line() -> None:
    base = plan()
    still = replace(base, fleet=replace(base.fleet, minimum_replicas=1, maximum_replicas=1))
    assert plain_text(Report(tuple(replay_blocks(still)))).strip() == "Nothing to replay: 1 replica at every hour."


def test_a_closed_loop_says_why_there_is_none() -> None:
    base = plan()
    traffic = replace(base.spec.traffic, requests_per_s=None, concurrency=64)
    closed = replace(base, spec=replace(base.spec, traffic=traffic))
    assert "clients that wait" in plain_text(Report(tuple(replay_blocks(closed))))


def test_the_bill_names_what_was_replayed() -> None:
    assert "autoscaled over the week: $" in plain_text(whole_report(replayed(plan())))
    assert "autoscaled over the day: $" in plain_text(whole_report(plan()))


@pytest.mark.parametrize("make", [plan, verbose, unpriced])
def test_the_first_screen_holds_it_within_its_lines(make: object) -> None:
    shown = replayed(make(), corrections=(WINDOW,))  # type: ignore[operator]
    assert height(screenful(shown), 80) <= 25
    if make is plan:
        assert "Replayed one week of this shape, a new replica after 4.3 min: 99.2 %" in plain_text(screenful(shown))


def test_the_autoscaled_line_is_what_the_replay_held() -> None:
    assert "autoscaled: replicas 1–3, GPUs 4–12" in plain_text(screenful(replayed(plan())))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_full_report_has_the_rest(width: int) -> None:
    shown = replayed(plan(), corrections=(WINDOW,), moments=(moment("peak", False), moment("steepest", True)))
    text = [line_text(line) for line in lines(whole_report(shown), width)]
    assert max(cells(line) for line in text) <= width
    whole = " ".join(" ".join(text).split())
    assert "11 of 10,080 minutes" in whole
    assert "400 of 10,080 minutes" in whole
    assert "up 14 times, down 1 time" in whole
    assert "asked back 9 times in the day" in whole
    assert "900 ms, missed" in whole
    assert "day 2, 13:00" in whole


def test_every_form_has_it() -> None:
    shown = whole_report(replayed(plan(), moments=(moment("peak", True), moment("steepest", True))))
    assert "1,310 GPU-hours" in plain_text(shown)
    assert "1,310 GPU-hours" in markdown(shown)


def test_why_autoscaling_begins_with_the_replay() -> None:
    told = plain_text(Report(FIGURES["scaling"](replayed(plan()))))
    assert told.index("Replayed one week") < told.index("The thresholds")
