"""Plans that were kept, and which of them a line means."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from agent.session.kept_plans import KeptPlans
from agent.talk.state import EarlierPlan
from engine.plan import plan_json
from tests.agent.report.sample import plan

NOW = datetime(2026, 11, 18, 12)
MADE = {
    1: datetime(2026, 9, 30, 9),
    2: datetime(2026, 10, 20, 9),
    3: datetime(2026, 11, 12, 9),
    4: datetime(2026, 11, 17, 9),
}


@pytest.fixture
def kept(tmp_path: Path) -> KeptPlans:
    plans = KeptPlans(tmp_path)
    tree = plan_json(plan())
    for number, made in MADE.items():
        plans.keep({**tree, "number": number})
        path = tmp_path / f"{number:04}.json"
        plans_text = path.read_text().replace(f',"number":{number}', "")
        path.write_text(plans_text)
        os.utime(path, (made.timestamp(), made.timestamp()))
    return plans


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("what changed since last month's plan", "plan 2 of 2026-10-20"),
        ("what moved since september", "plan 1 of 2026-09-30"),
        ("what is different from last week", "plan 3 of 2026-11-12"),
        ("diff against yesterday", "plan 4 of 2026-11-17"),
        ("what changed since plan 1", "plan 1 of 2026-09-30"),
        ("differences to the plan of 2026-10-20", "plan 2 of 2026-10-20"),
        ("how does it compare with our plan from two weeks ago", "plan 2 of 2026-10-20"),
        ("what changed since the last plan", "plan 4 of 2026-11-17"),
    ],
)
def test_a_day_means_the_last_plan_until_then(kept: KeptPlans, line: str, name: str) -> None:
    found = kept.meant_by(line, NOW)
    assert isinstance(found, EarlierPlan)
    assert found.name == name


def test_a_name_means_its_plan(kept: KeptPlans) -> None:
    kept.rename(kept.named("2"), "prod-eu")
    found = kept.meant_by("diff against prod-eu", NOW)
    assert isinstance(found, EarlierPlan)
    assert found.name == "prod-eu of 2026-10-20"


def test_without_such_a_plan_it_says_which_there_are(kept: KeptPlans, tmp_path: Path) -> None:
    assert "The oldest plan that is kept is of 2026-09-30" in str(kept.meant_by("since august", NOW))
    assert "No plan is kept yet" in str(KeptPlans(tmp_path / "none").meant_by("since last month", NOW))
