"""The functions around the dialogue as the program has them: reading, planning, forewarning, files that exist."""

import threading
from collections.abc import Mapping
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.interpret import interpret
from agent.statements.models import FoundModel, resolve_model
from agent.talk.state import EarlierPlan, Ports
from catalogs.catalog import Catalog
from catalogs.errors import InputError, quoted

if TYPE_CHECKING:
    from agent.talk.state import FoundCalibration
    from engine.plan import CapacityPlan, NoPlan
    from engine.workload import Source, WorkloadSpec


ANY_WORKLOAD: Final[Mapping[str, Any]] = {
    "model": "llama-3.1-8b",
    "traffic": {"requests_per_s": 1.0},
    "tokens": {"input": {"mean": 500.0}, "output": {"mean": 200.0}},
    "hardware": {"accelerators": ("h100-sxm-80gb",)},
}
"""A question that is asked ahead, so that whatever it loads is there when a person asks."""


def ports_of(catalog: Catalog) -> Ports:
    """Return the functions around the dialogue, as the program has them."""
    return Ports(
        catalog=catalog,
        read=interpret,
        plan=lambda spec, sources: _plan(spec, catalog, sources),
        sketch=lambda spec: _plan(spec, catalog, {}, verify=False),
        forewarn=lambda spec: _forewarn(spec, catalog),
        model=lambda text: _model(text, catalog),
        exists=_exists,
        earlier=_earlier,
        calibrated=lambda files, plan: _calibrated(files, plan, catalog),
        under=lambda calibration: ports_of(catalog.with_calibration(calibration)),
    )


def prepare(ports: Ports) -> None:
    """Load the names, so that the first answer does not wait for them; the engine follows while that is read."""
    interpret("Llama 3.1 70B fp8 on H100, 20 rps", ports.catalog)
    threading.Thread(target=_prepare_rest, args=(ports,), daemon=True).start()


def _prepare_rest(ports: Ports) -> None:
    for name in (
        "engine.proof.verification",
        "engine.proof.ten_minutes",
        "engine.method",
        "agent.report.rendering.show",
        "agent.report.plan.plan_report",
    ):
        import_module(name)
    from engine.workload import validated  # loaded beside the first prompt

    # The first of these takes a while, the next ones none: what a review would wait for.
    ports.forewarn(validated(ANY_WORKLOAD))


def _model(text: str, catalog: Catalog) -> FoundModel:
    try:
        return resolve_model(text, catalog)
    except (OSError, RuntimeError, ValueError) as error:  # '~nobody', a name too long for a file
        raise InputError(f"{quoted(text)} names neither a model nor a file: {str(error).lower().rstrip('.')}") from None


def _plan(
    spec: "WorkloadSpec", catalog: Catalog, sources: "Mapping[str, Source]", *, verify: bool = True
) -> "CapacityPlan | NoPlan":
    from engine.method import forecast  # numpy: loaded beside the first prompt

    return forecast(spec, catalog, sources=sources, verify=verify)


def _calibrated(files: tuple[str, ...], plan: "CapacityPlan", catalog: Catalog) -> "FoundCalibration":
    """Return the calibration that files give of a plan's server, and what to measure next for its peak."""
    from agent.session.calibrated_server import calibrated, server_of
    from engine.calibration.first_runs import peak_load

    paths = [Path(file).expanduser() for file in files]
    return calibrated(paths, server_of(plan), catalog, made=date.today(), wanted=[peak_load(plan)])


def _forewarn(spec: "WorkloadSpec", catalog: Catalog) -> tuple[str, ...]:
    from agent.collect.forewarnings import forewarnings  # numpy comes with it

    return forewarnings(spec, catalog)


def _earlier(text: str) -> EarlierPlan | str:
    from agent.session.kept_plans import KeptPlans

    return KeptPlans.of_user().meant_by(text, datetime.now())


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False
