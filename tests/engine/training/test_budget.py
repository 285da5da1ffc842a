"""Hours, days and money of training runs: published ones, one by hand, and laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.accelerators import PeakRates
from engine.training.budget import TrainingQuestion, training_budget
from engine.training.memory import TrainingSetup
from engine.training.utilisation import left_out, peak_flops
from engine.workload import Money
from tests.draws import draws

CATALOG = Catalog.load()
LLAMA = CATALOG.model("llama-3.1-8b").model
H100 = CATALOG.accelerator("h100-sxm-80gb")
ASKED = TrainingQuestion(LLAMA, H100, 1e9, TrainingSetup("lora"), money=Money(usd_per_accelerator_hour=3.0))


def test_published_runs_are_met_by_the_others() -> None:
    """Each from the runs of other families alone: at least 24 of 33 within 30 %, the median error under 20 %."""
    errors = sorted(abs(one.error) for one in left_out(CATALOG.training_runs, CATALOG.accelerators))
    assert len(errors) == 33
    assert sum(error <= 0.3 for error in errors) >= 24
    assert errors[len(errors) // 2] < 0.2


def test_leaving_a_family_out_leaves_nothing_of_it_behind() -> None:
    """The prediction of a run does not move when its own family's hours do."""
    runs = CATALOG.training_runs
    changed = [
        replace(run, accelerator_hours=run.accelerator_hours * 3) if run.family == "olmo-3" else run for run in runs
    ]
    before, after = (left_out(some, CATALOG.accelerators) for some in (runs, changed))
    for one, other in zip(before, after, strict=True):
        if one.run.family == "olmo-3":
            assert one.predicted_mfu == other.predicted_mfu
            assert other.measured_mfu == pytest.approx(one.measured_mfu / 3)


def test_a_run_by_hand() -> None:
    """LoRA of an 8B on 1e9 tokens at 40 %: 4·N·D and attention of 32 layers, 32 × 128 wide, 4,096 tokens; 989.4e12."""
    budget = training_budget(replace(ASKED, mfu=0.4, count=1), CATALOG)
    flops = 1e9 * (4 * 8_030_261_248 + 6 * 32 * 4096 * 4096)
    assert budget.flops == pytest.approx(flops)
    hours = flops / (H100.peak_tflops.bf16 * 1e12 * 0.4 * 3600)  # type: ignore[operator]
    assert budget.accelerator_hours == pytest.approx(hours)
    assert budget.cost_usd == pytest.approx(3.0 * hours)
    assert budget.days == pytest.approx(hours / 24)


def test_a_reservation_is_no_price_of_a_run_of_days() -> None:
    """A year is paid for all of it, and a run of three days is none."""
    for_days = TrainingQuestion(LLAMA, H100, 1e9, TrainingSetup("lora"))
    assert "reserved_1y" not in {one.term for one in training_budget(for_days, CATALOG).terms}
    long = replace(for_days, tokens=3e14, count=8)
    assert "reserved_1y" in {one.term for one in training_budget(long, CATALOG).terms}


def test_days_decide_how_many() -> None:
    full = replace(ASKED, setup=TrainingSetup(), tokens=1e12)
    budget = training_budget(replace(full, days=10.0), CATALOG)
    assert budget.days <= 10
    assert budget.accelerators % H100.per_node == 0
    assert training_budget(replace(full, count=budget.accelerators - H100.per_node), CATALOG).days > 10


def test_what_cannot_be_is_refused_with_what_can() -> None:
    full = replace(ASKED, setup=TrainingSetup())
    with pytest.raises(InputError, match="2 hold it"):
        training_budget(replace(full, count=1), CATALOG)
    with pytest.raises(InputError, match="or fewer tokens"):
        training_budget(replace(full, days=0.001, tokens=1e15), CATALOG)
    with pytest.raises(InputError, match="no 16-bit matrix unit"):
        training_budget(replace(ASKED, accelerator=replace(H100, peak_tflops=PeakRates(fp32=10.0))), CATALOG)


@settings(max_examples=draws(30), deadline=None)
@given(
    st.floats(1e8, 1e13),
    st.floats(1.0, 4.0),
    st.sampled_from(("full", "lora", "qlora")),
    st.sampled_from((8, 64, 4096)),
)
def test_laws_of_budgets(tokens: float, times: float, method: str, count: int) -> None:
    """More tokens cost in proportion; more accelerators are never slower, and never cheaper."""
    question = replace(ASKED, tokens=tokens, count=count, setup=TrainingSetup(method))  # type: ignore[arg-type]
    budget = training_budget(question, CATALOG)
    more = training_budget(replace(question, tokens=tokens * times), CATALOG)
    assert more.cost_usd == pytest.approx(budget.cost_usd * times)  # type: ignore[operator]
    larger = training_budget(replace(question, count=2 * count), CATALOG)
    assert larger.days < budget.days
    assert larger.accelerator_hours >= budget.accelerator_hours * (1 - 1e-9)
    assert budget.accelerator_hours_low < budget.accelerator_hours < budget.accelerator_hours_high
    done = budget.accelerator_hours * 3600 * peak_flops(H100) * budget.mfu.value
    assert done == pytest.approx(budget.flops), "hours, MFU and FLOPs multiply out, of QLoRA too"
    checkpoints, hours = budget.checkpoints, budget.days * 24
    assert checkpoints.interval_hours <= hours * (1 + 1e-9)
    assert 1 <= checkpoints.kept <= max(1, -(-hours // (checkpoints.interval_hours * (1 - 1e-9))))
