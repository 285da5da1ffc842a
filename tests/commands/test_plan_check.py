"""`plan check` and `plan diff`: a plan made again, two plans compared, and gates."""

import json
import os
from pathlib import Path

import pytest

from tests.commands.conftest import Program

SMALL = "8B on H100, 200 rps, 1k in, 200 out, p95 TTFT 500ms"
LARGE = "8B on H100 in fp8, 300 rps, 1.2k in, 250 out, p95 TTFT 500ms"
BUSIER = SMALL.replace("200 rps", "350 rps")
"""Another in one input alone: what makes up the difference is soon found."""


@pytest.fixture
def plans(fleetcast: Program, tmp_path: Path) -> list[Path]:
    return [fleetcast.saved(tmp_path / "small.json", SMALL), fleetcast.saved(tmp_path / "large.json", LARGE)]


@pytest.fixture
def busier(fleetcast: Program, tmp_path: Path) -> list[Path]:
    return [fleetcast.saved(tmp_path / "small.json", SMALL), fleetcast.saved(tmp_path / "busier.json", BUSIER)]


@pytest.mark.parametrize(
    "asked",
    [
        (SMALL,),
        (SMALL, "--no-verify"),
        ("70B fp8, 3 rps", "--preset", "chat"),
        ("8B on H100, 64 concurrent requests, 1k in, 200 out",),
        ("8B on 2 H100, 1k in, 200 out, p95 itl 30 ms", "--spare-replicas", 1),
    ],
)
def test_a_plan_made_again_elsewhere_is_the_same(
    fleetcast: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[object, ...]
) -> None:
    file = tmp_path / "plan.json"
    fleetcast("forecast", *asked, "--output", file)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = fleetcast("plan", "check", os.path.relpath(file))
    assert (run.code, run.out) == (0, "The same plan.\n"), run
    assert fleetcast("plan", "check", file, "--json").tree["same"] is True


def test_a_plan_that_another_catalog_made_says_what_moved(fleetcast: Program, plans: list[Path]) -> None:
    tree = json.loads(plans[0].read_text())
    tree["cost"]["monthly_usd"] *= 0.5
    plans[0].write_text(json.dumps(tree))
    run = fleetcast("plan", "check", plans[0])
    assert run.code == 0
    assert "monthly" in run.out and "+100.0%" in run.out
    assert fleetcast("plan", "check", plans[0], "--max-increase", "20%").code == 4


def test_a_figure_that_was_changed_in_the_file_is_named(fleetcast: Program, plans: list[Path]) -> None:
    tree = json.loads(plans[0].read_text())
    tree["memory"]["weights_bytes"] = -5
    plans[0].write_text(json.dumps(tree))
    assert "memory.weights_bytes (-5.0 in the file" in fleetcast("plan", "check", plans[0]).out


def test_a_difference_names_each_input_with_its_part(fleetcast: Program, plans: list[Path]) -> None:
    run = fleetcast("plan", "diff", *plans)
    assert run.code == 0
    assert all(said in run.out for said in ("monthly", "200 requests/s → 300 requests/s", "What did it"))
    assert all(len(line) <= 80 for line in run.out.splitlines())
    tree = fleetcast("plan", "diff", *plans, "--json").tree
    figures = tree["figures"]["monthly"]
    parts = sum(one["parts"]["monthly_usd"] for one in tree["inputs"]) + tree["rest"]["monthly_usd"]
    assert parts == pytest.approx(figures["new"] - figures["previous"], rel=1e-4)
    assert fleetcast("plan", "diff", *plans, "--markdown").out.startswith("| ")


def test_inputs_are_shown_in_words_and_units(fleetcast: Program, tmp_path: Path) -> None:
    spec, (first, load, other) = tmp_path / "s.toml", (tmp_path / f"{name}.json" for name in ("first", "load", "other"))
    body = "[tokens.input]\nmean = 1000\n[tokens.output]\nmean = 200\n[traffic]\nrequests_per_s = 20\n"
    spec.write_text(f'model = "llama-3.1-8b"\n{body}hourly_profile = [{", ".join(["0.4"] * 12 + ["1.6"] * 12)}]\n')
    in_flight = ("--concurrency", 64, "--model", "llama-3.1-8b", "--input-tokens", 1000, "--output-tokens", 200)
    stated = ("--spec", spec, "--input-tokens", 900, "--gpu-type", "H100,L40S", "--ttft-p95", "1s")
    for file, asked in ((first, ("--spec", spec)), (load, in_flight), (other, stated)):
        fleetcast("forecast", *asked, "--output", file, "--no-verify")
    shown = (fleetcast("plan", "diff", first, new, "--plain").out for new in (load, other))
    said = " ".join(" ".join(shown).split())
    assert all(
        one in said
        for one in (
            "20 requests/s",
            "requests in flight 64",
            "24 values from 0.4 to 1.6 → open",
            "open → h100-sxm-80gb, l40s",
            "1,000 tokens → 900 tokens",
            "TTFT p95 within 2 s",
        )
    ), said
    assert not any(sign in said for sign in ("{'", "('", "()", "None", "True"))


def test_nothing_where_nothing_changed(fleetcast: Program, plans: list[Path]) -> None:
    for how in ((), ("--markdown",)):
        run = fleetcast("plan", "diff", plans[0], plans[0], *how)
        assert (run.code, run.out, run.err) == (0, "", "")


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (("--max-increase", "5%"), 4),
        (("--max-increase", "100%"), 0),
        (("--max-increase", "$2000"), 4),
        (("--max-increase", "$200,000"), 0),
        (("--max-decrease", "1%"), 0),
        (("--budget", "50000"), 4),
        (("--budget", "1M"), 0),
        (("--max-gpus", "10"), 4),
        (("--ttft-p95", "100ms"), 4),
        (("--ttft-p95", "2s"), 0),
    ],
)
def test_gates(fleetcast: Program, busier: list[Path], gates: tuple[str, ...], code: int) -> None:
    run = fleetcast("plan", "diff", *busier, *gates)
    assert run.code == code
    assert ("Gate: " in run.err) == (code == 4)


def test_a_decrease_is_gated_too_and_a_policy_file_has_the_same_gates(
    fleetcast: Program, busier: list[Path], tmp_path: Path
) -> None:
    small, large = busier
    assert fleetcast("plan", "diff", large, small, "--max-decrease", "5%").code == 4
    policy = tmp_path / "policy.toml"
    policy.write_text('[gates]\nmax_decrease = "5%"\nmax_gpus = 64\nitl_p99 = "1s"\n')
    assert fleetcast("plan", "diff", large, small, "--policy", policy).code == 4
    assert fleetcast("plan", "diff", large, small, "--policy", policy, "--max-decrease", "90%").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_gpu = 3", "is no gate"),
        ("gates = [", "is not TOML"),
        ("budget = 'much'", "much"),
        ("budget = [1]", "is no gate"),
    ],
)
def test_a_policy_that_cannot_be_read_gets_one_sentence(
    fleetcast: Program, plans: list[Path], tmp_path: Path, text: str, said: str
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    assert said in fleetcast.refusal("plan", "check", plans[0], "--policy", policy)
