"""Lines by another hand: what each says is read, asked about or named as not used; what is no workload fills nothing.

The table tells in plain terms what a reader with good sense takes from a line. A figure of it that is in no value must
be asked about or named, and no value may be another than the table's.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from agent.interpret import interpret
from agent.interpret.facts.reading import Reading
from catalogs.catalog import Catalog
from catalogs.errors import AmbiguousName, InputError

CATALOG = Catalog.load()
SENTENCES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "sentences" / "strangers.toml").read_text("utf-8")
)["sentence"]
LEAST_RIGHT: Final = 0.95
"""Share that must be read, or honestly asked or refused."""
PATHS: Final = {
    "model": "model",
    "precision": "precision.weights",
    "accelerator": "hardware.accelerators",
    "accelerators": "hardware.accelerator_count",
    "runtime": "serving.runtime",
    "provider": "money.provider",
    "region": "money.region",
    "budget_per_month": "money.monthly_budget_usd",
    "requests_per_second": "traffic.requests_per_s",
    "concurrent": "traffic.concurrency",
    "growth": "traffic.growth_per_year",
    "tokens_in": "tokens.input.mean",
    "tokens_out": "tokens.output.mean",
    "prefix_share": "tokens.prefix_hit",
    "context": "serving.context_window",
    "spares": "availability.spare_replicas",
}
METRICS: Final = {"ttft_ms": "ttft", "itl_ms": "itl", "e2e_ms": "e2e"}
USERS: Final = {"users", "per_user_per_day"}


def ids(name: str, find: Any) -> set[str]:
    """Ids of what a name may be, with its publisher, its tuning and its version and without them."""
    found = {str(name).lower()}
    for said in (str(name), re.sub(r"^\w+/|[- ]?instruct|-v\d\.\d$", "", str(name), flags=re.I)):
        try:
            found.add(find(said).id)
        except AmbiguousName as several:
            found.update(several.hits)
        except InputError:
            continue
    return found


def near(one: float, other: float, share: float = 0.03) -> bool:
    return abs(one - other) <= share * abs(other)


def same_place(wanted: str, value: str) -> bool:
    places = CATALOG.places
    code = places.region(wanted)
    said = places.of_region(code[1], code[0]) if code else places.called(wanted)
    read = places.of_region(value) or places.called(value)
    return said is not None and read is not None and (places.inside(read, said) or places.inside(said, read))


def agrees(name: str, wanted: Any, value: Any, values: dict[str, Any]) -> bool:
    if name == "model":
        models = [ids(text, lambda said: CATALOG.model(said).model) for text in (wanted, value)]
        return bool(models[0] & models[1])
    if name == "requests_per_second":
        # Of a mean over the day the table has the busiest hour, of calls per request all of them.
        factors = (1.0, values.get("traffic.peak_factor", 1.0), values.get("traffic.calls_per_request", 1.0))
        return any(near(value * factor, wanted) for factor in factors)
    if isinstance(wanted, int | float):
        return near(value, wanted)
    by_name = {
        "accelerator": lambda: ids(wanted, CATALOG.accelerator) & set(value),
        "precision": lambda: str(value).startswith(wanted) or value == CATALOG.precision(wanted).id,
        "region": lambda: same_place(wanted, value),
        "growth": lambda: True,
    }
    return bool(by_name.get(name, lambda: str(value).lower() in (wanted.lower(), {"oracle": "oci"}.get(wanted)))())


def spoken_of(reading: Reading) -> str:
    questions = [f"{question.words} {question.text}" for question in reading.questions]
    return "\n".join([*questions, *reading.unused, *reading.objections, *reading.notes]).casefold()


def told(name: str, wanted: Any, reading: Reading) -> bool:
    """Whether a figure that is no value is asked about or named."""
    asked = {question.path for question in reading.questions}
    words = re.findall(r"[a-z]+|\d+(?:[.,]\d+)*", str(wanted).lower())
    traffic = {"users", "per_user_per_day", "growth", "requests_per_second"}
    return (
        PATHS.get(name, "") in asked
        or (name in METRICS and "targets" in asked)
        or (name in traffic and bool(asked & {"traffic.requests_per_s", "traffic.growth_per_year"}))
        or any(word in spoken_of(reading) for word in words)
    )


def faults(entry: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What is read as something else, and what is lost without a word."""
    reading = interpret(entry["text"], CATALOG)
    values = dict(reading.values)
    if entry.get("nothing"):
        return list(values), []
    wrong, lost = [], []
    reads = {name: value for name, value in entry["reads"].items() if not name.endswith("_percentile")}
    rate = values.get("traffic.requests_per_s")
    if set(reads) >= USERS and rate is not None:
        of_users = reads["users"] * reads["per_user_per_day"] / 86_400
        if not near(rate * values.get("traffic.calls_per_request", 1.0), of_users):
            wrong.append("users")
        reads = {name: value for name, value in reads.items() if name not in USERS}
    for name, wanted in reads.items():
        if metric := METRICS.get(name):
            seconds = [target for target in values.get("targets", ()) if target.metric == metric]
            percentile = entry["reads"].get(f"{metric}_percentile")
            fits = any(near(t.seconds * 1000, wanted) and percentile in (None, int(t.percentile[1:])) for t in seconds)
            if seconds and not fits:
                wrong.append(name)
            elif not seconds and not told(name, wanted, reading):
                lost.append(name)
        elif (value := values.get(PATHS.get(name, ""))) is not None:
            if not agrees(name, wanted, value, values):
                wrong.append(name)
        elif name == "accelerators" and near(
            values.get("hardware.nodes", 0) * values.get("hardware.accelerators_per_node", 0), wanted
        ):
            continue
        elif not told(name, wanted, reading):
            lost.append(name)
    return wrong, lost


def test_what_strangers_say_is_read_asked_about_or_named() -> None:
    found = {entry["text"]: faults(entry) for entry in SENTENCES}
    misread = {text: wrong for text, (wrong, _) in found.items() if wrong}
    lost = {text: missing for text, (_, missing) in found.items() if missing}
    assert not misread
    assert len(SENTENCES) == len(found) == 300
    assert 1 - len(lost) / len(found) >= LEAST_RIGHT, lost
