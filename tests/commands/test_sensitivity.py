"""`sensitivity`: what moves the bill most, as a table, labelled lines and JSON."""

from tests.commands.conftest import Program

ASKED = ("llama 3.1 8B in fp8 on H100, 2000 rps, 1.5k in, 300 out, p95 TTFT under 800 ms",)


def test_it_shows_what_moves_the_bill(fleetcast: Program) -> None:
    run = fleetcast("sensitivity", *ASKED)
    assert run.code == 0
    assert all(said in run.out for said in ("traffic", "answer length", "→", "Replicas that hold, by the mean rate"))
    assert all(len(line) <= 80 for line in run.out.splitlines())
    assert "traffic" in fleetcast("sensitivity", *ASKED, "--plain").out
    tree = fleetcast("sensitivity", *ASKED, "--json").tree
    assert {swing["input"] for swing in tree["swings"]} >= {"traffic", "answer length", "prompt length"}


def test_nothing_that_fits_and_incomplete_questions_are_said(fleetcast: Program) -> None:
    assert fleetcast("sensitivity", "405B in bf16 on L4, 1 gpu, 1 rps, 1k in, 100 out").code == 3
    assert "still needed" in fleetcast.refusal("sensitivity", "--rps", 10, code=5)
