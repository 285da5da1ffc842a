"""`train`: a run in each form, published runs, and refusals in a sentence."""

from tests.commands.conftest import Program

ASKED = ("train", "--model-size", "70", "--tokens", "15T", "--gpu-type", "H100")


def test_llama_3_70b_takes_about_what_was_published(fleetcast: Program) -> None:
    """6.4 and 7.0 million H100-hours (model cards of Llama 3 and 3.1 70B), within 30 %."""
    tree = fleetcast(*ASKED, "--json").tree
    assert 7.0e6 * 0.7 <= tree["accelerator_hours"] <= 6.4e6 * 1.3
    assert tree["accelerator_hours"] * tree["usd_per_accelerator_hour"] == _near(tree["cost_usd"])


def _near(value: float) -> object:
    import pytest

    return pytest.approx(value, rel=1e-5)


def test_every_form_says_the_same(fleetcast: Program) -> None:
    hours = fleetcast(*ASKED, "--json").tree["accelerator_hours"]
    shown = f"{float(f'{hours:.4g}'):,.0f}"
    for form in ((), ("--plain",)):
        run = fleetcast(*ASKED, *form)
        assert run.code == 0
        assert shown in run.out
    assert f"accelerator-hours,expected,{shown.replace(',', '')}," in fleetcast(*ASKED, "--csv").out
    assert all(len(line) <= 80 for line in fleetcast(*ASKED).out.splitlines())


def test_published_runs_are_shown_with_their_sources(fleetcast: Program) -> None:
    assert "24 of 33 within 30%" in fleetcast("train", "--published").out
    tree = fleetcast("train", "--published", "--json").tree
    assert all(run["source"] for run in tree)
    assert {"Llama 2 70B", "BLOOM 176B", "OPT 175B", "DeepSeek-V3", "OLMo 3 32B"} <= {run["run"] for run in tree}


def test_refusals_say_what_is_accepted(fleetcast: Program) -> None:
    assert "a model (--model or --model-size)" in fleetcast.refusal("train", "--tokens", "1B", code=5)
    assert "did you mean qlora" in fleetcast.refusal(*ASKED, "--method", "qlorra")
    assert "leave one of them out" in fleetcast.refusal(*ASKED, "--gpus", 64, "--days", 3)
    assert "no stage of ZeRO" in fleetcast.refusal(*ASKED, "--zero", 4)
    assert "no share of the peak" in fleetcast.refusal(*ASKED, "--mfu", "140%")
    assert "--json and --csv" in fleetcast.refusal(*ASKED, "--json", "--csv")
    assert fleetcast.refusal(*ASKED[:-1], "H1000").startswith("--gpu-type: ")
