"""Plans that were read by hand against the rules of the engines they are for, each with the rule that was read.

``hand_read.csv``: a question (2 requests/s of 2,000 tokens in and 300 out), the verdict that the engine's own rules
give, words that the command or what it needs must and must not hold, and where the rule stands: file, function and
release.
"""

import csv
from pathlib import Path

from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.workload import spec_from
from tests.engine.asked import formula_plan
from tests.every import of_every

ROWS = list(csv.DictReader((Path(__file__).parent / "hand_read.csv").read_text(encoding="utf-8").splitlines()))


def answer(row: dict[str, str]) -> tuple[str, str]:
    """Return the verdict on a question, and what is said: the command with what it needs, or the refusal."""
    values = {
        "model": row["model"],
        "traffic.requests_per_s": 2.0,
        "tokens.input.mean": 2000.0,
        "tokens.output.mean": 300.0,
        "targets": (),
        "hardware.accelerators": [row["accelerator"]],
        "serving.runtime": row["runtime"],
        "precision.weights": row["precision"],
    }
    try:
        plan = formula_plan(spec_from(values))
    except InputError as refusal:
        return "refused", str(refusal)
    if not isinstance(plan, CapacityPlan):
        return "no plan", ""
    if not plan.chosen.command:
        return "no command", " ".join(plan.warnings)
    return "starts", f"{plan.chosen.command} ; {plan.chosen.needs}"


@of_every(ROWS, name=lambda row: " ".join(list(row.values())[:4]))
def test_a_plan_is_what_the_engines_rules_ask_for(row: dict[str, str]) -> None:
    verdict, said = answer(row)
    assert verdict == row["verdict"], said
    for word in filter(None, row["holds"].split("|")):
        assert word in said, said
    for word in filter(None, row["lacks"].split("|")):
        assert word not in said, said


def test_each_row_cites_a_rule() -> None:
    assert len(ROWS) >= 40
    assert all(row["rule"] for row in ROWS)
    assert len({tuple(list(row.values())[:4]) for row in ROWS}) == len(ROWS)
