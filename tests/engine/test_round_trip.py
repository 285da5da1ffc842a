"""Every spec → plan → file → plan again is the same, byte for byte, wherever and whenever it is made."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import Phase, given, settings

from agent.exports.json import json_text
from catalogs.errors import InputError
from engine.method import forecast, made_again
from engine.plan import CapacityPlan, plan_json
from engine.plan_file import as_written, read_plan
from engine.workload import spec_from
from tests.engine.asked import CATALOG
from tests.engine.specs import Values, anything

ROOT = Path(__file__).parents[2]


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(anything())
def test_a_plan_is_made_again_byte_for_byte(values: Values) -> None:
    try:
        plan = forecast(spec_from(values), CATALOG, verify=False)
    except InputError:
        return
    if not isinstance(plan, CapacityPlan):
        return
    text = json_text(plan_json(plan))
    read = read_plan(text)
    assert read == as_written(plan)
    assert json_text(plan_json(read)) == text, "reading and writing lose nothing"
    again = made_again(read, CATALOG)
    assert isinstance(again, CapacityPlan)
    assert json_text(plan_json(again)) == text


def said(folder: Path, other: dict[str, str], *words: str) -> bytes:
    """What the program prints in a process of its own."""
    command = [sys.executable, str(ROOT / "main.py"), *words]
    return subprocess.run(command, cwd=folder, env=os.environ | other, check=True, capture_output=True).stdout


def test_another_day_another_directory_and_another_process_make_the_same_bytes(tmp_path: Path) -> None:
    """`plan check` in a process of its own, with another clock's zone, hash seed and working directory."""
    file = tmp_path / "plan.json"
    asked = "forecast --model llama-3.1-8b --rps 5 --input-tokens 500 --output-tokens 200 --gpu-type h100 --ttft-p95 1s"
    made: list[bytes] = []
    for number, zone in enumerate(("UTC", "Pacific/Kiritimati")):
        folder = tmp_path / str(number)
        folder.mkdir()
        other = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(number), "TZ": zone, "XDG_CONFIG_HOME": str(folder)}
        target = file if number == 0 else folder / "plan.json"
        said(folder, other, *asked.split(), "--output", str(target), "--force")
        made.append(target.read_bytes())
        assert json.loads(said(folder, other, "plan", "check", str(file), "--json"))["same"] is True
    assert made[0] == made[1]
