from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from engine.scaling.correction import FLAPS_A_DAY, HEADROOMS, LATE_A_DAY, LONGEST_WINDOW_S, Outcome, Settings, corrected
from engine.scaling.replay import replay
from tests.engine.scaling.test_replay import HOLDING, MAXIMUM, exact, loads, policy

START = Settings(window_s=520.0, minimum=2)
LIMIT = float(np.interp(0.8 * 8, loads().requests_per_s, loads().in_flight))


def tried_on(*rates: float) -> tuple[list[Settings], Callable[[Settings], Outcome]]:
    """Return the settings that are tried, in order, and the function that tries them on a day of these minutes."""
    tried: list[Settings] = []

    def outcome(wanted: Settings) -> Outcome:
        tried.append(wanted)
        rules = policy(
            minimum=wanted.minimum,
            scale_down_window_s=wanted.window_s,
            requests_per_s_per_replica=HOLDING / wanted.headroom,
        )
        run = replay(exact(*rates), loads(), rules)
        late = (run.in_flight > LIMIT) & (run.ready < MAXIMUM)
        return Outcome(run, int(late.sum()), 0, len(rates) / 1440)

    return tried, outcome


def test_what_holds_is_left_alone() -> None:
    tried, outcome = tried_on(*[16.0] * 1440)
    kept, steps = corrected(START, MAXIMUM, outcome)
    assert tried == [START]
    assert steps == ()
    assert not kept.late and not kept.flapping


def test_a_load_that_flaps_is_damped_by_a_longer_window() -> None:
    _, outcome = tried_on(*([16.0] * 15 + [12.0] * 15) * 48)
    kept, (step,) = corrected(START, MAXIMUM, outcome)
    assert step.because.flapping and not kept.flapping
    assert step.because.run.flaps > FLAPS_A_DAY >= kept.run.flaps
    assert step.after == replace(START, window_s=step.after.window_s)
    assert START.window_s < step.after.window_s <= LONGEST_WINDOW_S


def test_a_rise_that_comes_too_fast_is_met_with_headroom() -> None:
    """A replica more than doubles its load within a reaction, each hour: more headroom holds it, nothing else moves."""
    hour = [*[12.0] * 20, *np.linspace(12.0, 27.0, 5), *[27.0] * 20, *np.linspace(27.0, 12.0, 15)]
    _, outcome = tried_on(*hour * 24)
    kept, steps = corrected(START, MAXIMUM, outcome)
    first = steps[0]
    assert first.because.late_minutes > LATE_A_DAY >= kept.late_minutes
    assert first.after.headroom in HEADROOMS
    assert first.after.minimum == START.minimum


def test_a_cliff_that_no_headroom_holds_keeps_the_whole_fleet() -> None:
    """From next to nothing to all there is, within a minute: only what runs already can carry that."""
    _, outcome = tried_on(*([0.5] * 100 + [60.0] * 44) * 10)
    kept, steps = corrected(START, MAXIMUM, outcome)
    assert steps[0].after.minimum == MAXIMUM
    assert kept.late_minutes == 0
    assert set(kept.run.held) == {float(MAXIMUM)}


@pytest.mark.parametrize("window", [300.0, 520.0, 3600.0, 7200.0])
def test_tries_are_bounded(window: float) -> None:
    """However hopeless: an outcome that is always late and always flaps ends after a dozen replays."""
    run = replay(exact(*([24.0] * 15 + [8.0] * 15) * 48), loads(), policy())
    tried: list[Settings] = []

    def hopeless(wanted: Settings) -> Outcome:
        tried.append(wanted)
        return Outcome(run, 1440, 0, 1.0)

    kept, steps = corrected(replace(START, window_s=window), MAXIMUM, hopeless)
    assert kept.late and kept.flapping
    assert len(tried) <= 12
    assert all(step.before != step.after for step in steps)
    assert steps[-1].after == tried[-1]
    assert steps[-1].after.window_s <= max(window, LONGEST_WINDOW_S)
