"""What would have to give, where nothing does what was asked: each change that is offered is planned, and does it."""

import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.statements.flags import flag_values
from catalogs.catalog import Catalog
from engine.method import forecast
from engine.plan import CapacityPlan, NoPlan
from engine.workload import spec_from
from tests.draws import draws

CATALOG = Catalog.load()
Flags = dict[str, str]

LIMITS: list[Flags] = [
    {"--max-gpus": "2"}, {"--gpus": "4"}, {"--max-nodes": "1"}, {"--replicas": "1"}, {"--max-power": "4kW"},
    {"--max-gpus": "8", "--max-nodes": "1", "--growth-rate": "40%"}, {"--max-replicas": "2", "--spare-replicas": "1"},
    {"--max-gpus": "4", "--itl-p95": "4ms"},
]  # fmt: skip
TARGETS: list[Flags] = [
    {}, {"--default-targets": "none"}, {"--itl-p95": "9ms"}, {"--ttft-p99": "60ms"}, {"--e2e-p95": "2s"},
    {"--ttft-p95": "90ms", "--itl-p99": "7ms"},
]  # fmt: skip
REFUSED = st.tuples(
    st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "qwen3-30b-a3b"]),
    st.sampled_from(["bf16", "fp8"]),
    st.sampled_from(["h100", "l40s", "a100-80gb"]),
    st.floats(1, 300).map(lambda rate: f"{rate:.4g}"),
    st.sampled_from(["400", "1500", "6000"]),
    st.one_of(st.sampled_from(LIMITS), st.sampled_from([{"--tp": "1"}, {"--kv-precision": "nvfp4"}, {}])),
    st.sampled_from(TARGETS),
)


def planned(flags: Flags, *, verify: bool) -> CapacityPlan | NoPlan:
    values, _ = flag_values({flag: (text,) for flag, text in flags.items()})
    targets: list[dict[str, Any]] = []
    for path in [path for path in values if path.startswith("targets.")]:
        _, metric, percentile = path.split(".")
        targets.append({"metric": metric, "percentile": percentile, "seconds": values.pop(path)})
    return forecast(spec_from({**values, "targets": targets}), CATALOG, verify=verify)


@settings(
    max_examples=draws(12), deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(REFUSED, st.booleans())
def test_each_change_that_is_offered_is_enough_by_itself(
    drawn: tuple[str, str, str, str, str, Flags, Flags], verify: bool
) -> None:
    model, precision, gpu, rate, prompt, limits, targets = drawn
    flags = {
        "--model": model, "--precision": precision, "--gpu-type": gpu, "--rps": rate, "--input-tokens": prompt,
        "--output-tokens": "200", **limits, **targets,
    }  # fmt: skip
    refused = planned(flags, verify=verify)
    assume(isinstance(refused, NoPlan) or not refused.answer.meets_targets)
    for change in refused.rejected[0].relaxations:
        given = dict(re.findall(r"(--\S+) (\S+)", change))
        plan = planned({**flags, **given}, verify=verify)
        assert isinstance(plan, CapacityPlan) and plan.answer.meets_targets, (flags, change)
        size = f"{plan.fleet.maximum_accelerators:,} × {plan.chosen.accelerator_name}"
        assert change == f"{' '.join(f'{flag} {text}' for flag, text in given.items())} ({size})"


def test_limits_of_each_kind_say_what_would_have_to_give() -> None:
    """A ceiling on the load, not a target, binds here: no word of targets; the rate is one that the limit holds."""
    flags = {"--model": "llama-3.1-8b", "--precision": "fp8", "--gpu-type": "h100", "--rps": "60"}
    flags |= {"--input-tokens": "1500", "--output-tokens": "300"}
    for limit in ({"--max-gpus": "2"}, {"--max-power": "2kW"}, {"--max-nodes": "1", "--rps": "400"}, {"--gpus": "2"}):
        plan = planned({**flags, **limit}, verify=False)
        assert [change.split()[0] for change in plan.rejected[0].relaxations] == [next(iter(limit)), "--rps"]
