"""A plan as a file: written as JSON, read again, and recomputed from the spec and the sources that it carries.

Run with fleetcast installed: python plan_file.py
"""

import json
import tempfile
from pathlib import Path

from catalogs.catalog import Catalog
from engine import NoPlan, forecast, spec_from
from engine.method import made_again
from engine.plan import plan_json
from engine.plan_file import read_plan


def main() -> None:
    """Write a plan, read it, make it again and say whether the two agree."""
    catalog = Catalog.load()
    spec = spec_from(
        {
            "model": "qwen3 32b",
            "traffic.requests_per_s": 12,
            "tokens.input.mean": 2000,
            "tokens.output.mean": 250,
            "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 1.5}],
            "hardware.accelerators": ["A100 80GB SXM", "H100 SXM", "H200"],
        }
    )
    plan = forecast(spec, catalog)
    if isinstance(plan, NoPlan):
        raise SystemExit(plan.sentence)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan_json(plan), indent=2), encoding="utf-8")
        written = json.loads(file.read_text(encoding="utf-8"))
        read = read_plan(file.read_text(encoding="utf-8"))
    again = made_again(read, catalog)
    if isinstance(again, NoPlan):
        raise SystemExit(again.sentence)
    print(written["answer"]["sentence"])
    parts = [name for name in written if name != "schema_version"]
    print(f"schema version {written['schema_version']}: {', '.join(parts)}")
    print("recomputed from the file: " + ("the same plan" if plan_json(again) == written else "another plan"))


if __name__ == "__main__":
    main()
