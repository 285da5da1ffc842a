"""The forecast: pure functions and frozen records; no I/O, no clock, no global state.

The library's names stand here and are loaded when they are first asked for:

    from engine import forecast, spec_from
"""

TYPE_CHECKING = False  # for type checkers it is true; the one of `typing` takes milliseconds to import
if TYPE_CHECKING:
    from engine.method import forecast
    from engine.plan import CapacityPlan, NoPlan
    from engine.workload import WorkloadSpec, spec_from

__all__ = ["CapacityPlan", "NoPlan", "WorkloadSpec", "forecast", "spec_from"]

_MODULES = {
    "CapacityPlan": "engine.plan",
    "NoPlan": "engine.plan",
    "WorkloadSpec": "engine.workload",
    "forecast": "engine.method",
    "spec_from": "engine.workload",
}


def __getattr__(name: str) -> object:
    """Return one of the library's names, loading its module."""
    from importlib import import_module  # at the first name, so that `import engine` alone is free

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)  # found here from now on
    return value
