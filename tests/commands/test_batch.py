"""`batch`: a sentence, flags, each form, and refusals in a sentence."""

import re
from datetime import datetime

import pytest

from agent.statements.costs.batches import batch_in, deadline_seconds
from catalogs.errors import InputError
from commands.batch import BATCH_FLAGS
from tests.commands.conftest import Program

MODEL = ("--model", "llama-3.1-8b", "--gpu-type", "H100", "--input-tokens", 2000, "--output-tokens", 200)
MONDAY = datetime(2026, 11, 23, 9, 0)


def test_a_sentence_and_flags_ask_the_same(fleetcast: Program) -> None:
    said = fleetcast("batch", "10 million documents in 3 days with llama 3.1 8B on H100, 2k in, 200 out", "--json")
    flags = fleetcast("batch", "--requests", "10M", "--deadline", "3d", *MODEL, "--json")
    assert said.code == flags.code == 0
    assert said.tree == flags.tree
    assert said.tree["best"][0]["term"] == "spot"
    assert said.tree["apis"][0]["batch_usd"] < said.tree["apis"][0]["usd"]


def test_every_form_has_the_cost(fleetcast: Program) -> None:
    asked = ("batch", "--requests", "10M", "--deadline", "3d", *MODEL)
    cost = round(fleetcast(*asked, "--json").tree["best"][0]["cost_usd"])
    assert f"${cost:,}" in fleetcast(*asked).out
    assert f"${cost:,}" in fleetcast(*asked, "--plain").out
    assert f"Batch,spot,cost,{cost},USD" in fleetcast(*asked, "--csv").out
    shown = fleetcast("batch", "--requests", "10M", "--deadline", "3d", "--model", "llama-3.1-8b", *MODEL[4:]).out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "spot" in shown.partition("On other accelerators")[2].partition("through an API")[0], "how these are paid"


def test_days_and_times() -> None:
    """A named day ends at 18:00; today's, once over, is next week's."""
    assert deadline_seconds("Friday", "by", MONDAY) == (4 * 24 + 9) * 3600
    assert deadline_seconds("monday", "by", MONDAY) == 9 * 3600
    assert deadline_seconds("monday", "by", MONDAY.replace(hour=19)) == (7 * 24 - 1) * 3600
    assert deadline_seconds("36h", "by", MONDAY) == 36 * 3600
    assert deadline_seconds("tomorrow", "by", MONDAY) == 33 * 3600
    assert deadline_seconds("Friday 17:00", "by", MONDAY) == (4 * 24 + 8) * 3600
    for text, minutes in {"60m": 60, "90 m": 90, "1h30m": 90, "1h 30min": 90, "2d12h": 3600}.items():
        assert deadline_seconds(text, "by", MONDAY) == minutes * 60
    for text in ("soonish", "2026-12-04", "1h30", "4/12"):
        with pytest.raises(InputError, match="no time from now: write the time until then, such as 36h, 90m or 3 days"):
            deadline_seconds(text, "by", MONDAY)


def test_what_of_a_sentence_is_the_batch() -> None:
    for text, count, hours, rest in (
        ("10 million documents by Friday", 1e7, 105.0, ""),
        ("summarise 50k emails within 12 hours with qwen3 8b", 5e4, 12.0, "summarise with qwen3 8b"),
        ("200k records of 1k tokens over 2 days", 2e5, 48.0, "of 1k tokens"),
    ):
        found = batch_in(text, MONDAY)
        assert found is not None, text
        assert (found[0].requests, found[0].deadline_s / 3600, found[1]) == (count, hours, rest)
    assert batch_in("20 requests per second, p95 within 2 seconds", MONDAY) is None
    assert batch_in("70B on H100, 20 rps", MONDAY) is None


def test_a_day_that_is_named_is_told_with_its_hour(fleetcast: Program) -> None:
    run = fleetcast("batch", "--requests", 9000, "--deadline", "Friday", *MODEL, "--api", "none")
    assert re.search(r"The deadline is Friday \d{4}-\d\d-\d\d 18:00\.", run.err), run.err


def test_refusals(fleetcast: Program) -> None:
    assert "by when (--deadline)" in fleetcast.refusal("batch", "--requests", "1M", *MODEL, code=5)
    assert "instead of a load" in fleetcast.refusal("batch", "--requests", 9, "--deadline", "1d", "--rps", 3, *MODEL)
    assert "gpt-5o" in fleetcast.refusal("batch", "--requests", 9, "--deadline", "1d", *MODEL, "--api", "gpt-5ox")


def test_every_flag_that_is_listed_acts(fleetcast: Program) -> None:
    """A batch has no targets, peaks, spares and autoscaler; the budget is of the whole bill."""
    listed = {flag.flag for flags in BATCH_FLAGS.values() for flag in flags}
    assert not listed & {"--ttft-p95", "--peak-multiplier", "--growth-rate", "--spare-replicas", "--default-targets"}
    asked = ("batch", "--requests", "100k", "--deadline", "2h", *MODEL, "--api", "none")
    run = fleetcast(*asked, "--budget", 1)
    assert run.code == 4 and "over the budget" in run.out
    assert fleetcast(*asked, "--budget", 1000).code == 0
    plain, slow = fleetcast(*asked, "--json").tree, fleetcast(*asked, "--node-start", "30min", "--json").tree
    assert slow["best"][0]["start_s"] > plain["best"][0]["start_s"] + 600
