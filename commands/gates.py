"""Gates: what a plan must stay within, from flags or a policy file, and what of it does not hold."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from catalogs.errors import InputError, listed, quoted
from catalogs.units import read_count, read_percentage, read_seconds, read_usd, show_percent, show_seconds, show_usd

if TYPE_CHECKING:
    from engine.plan import CapacityPlan

LATENCIES: Final = tuple(
    f"{metric}-{percentile}" for metric in ("ttft", "itl", "e2e") for percentile in ("mean", "p50", "p90", "p95", "p99")
)
OPTIONS: Final = {
    "budget": ("USD", "Most a month."),
    "max-gpus": ("N", "Most accelerators."),
    "ttft-p95": ("TIME", "Most at the peak; a policy may have other latencies."),
    "itl-p95": ("TIME", "Likewise."),
    "max-increase": ("5%|USD", "Most that the bill may rise."),
    "max-decrease": ("5%|USD", "Most that it may fall."),
}
"""Gates that are options of a command: what stands behind each, and its help."""
GATES: Final = tuple(dict.fromkeys((*OPTIONS, *LATENCIES)))


def with_gates(command: Callable[..., int]) -> Callable[..., int]:
    """Return the command with an option for each gate in place of its keywords, as typer reads them."""
    own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
    for name, (metavar, text) in OPTIONS.items():
        kind: Any = Annotated[str | None, typer.Option(f"--{name}", metavar=metavar, help=text, show_default=False)]
        parameter = name.replace("-", "_")
        own.append(inspect.Parameter(parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind))
    command.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    return command


def gates_of(policy: Path | None, options: Mapping[str, str | None]) -> dict[str, str]:
    """Return the limits by gate; options of the command win over the file.

    Raises InputError where the file cannot be read or has what is no gate, or a limit that cannot be read.
    """
    found = dict(_from_file(policy)) if policy else {}
    found |= {name.replace("_", "-"): text for name, text in options.items() if text is not None}
    for name, text in found.items():
        _limit(name, text)
    return found


def _from_file(file: Path) -> Iterator[tuple[str, str]]:
    import tomllib

    from commands.input_files import text_of

    try:
        tree = tomllib.loads(text_of(file))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{quoted(str(file))} is not TOML: {error}") from None
    for key, value in tree.get("gates", tree).items():
        name = str(key).replace("_", "-")
        if name not in GATES or isinstance(value, dict | list | bool):
            raise InputError(f"{quoted(str(file))}: {quoted(key)} is no gate; there are {listed(GATES)}")
        yield name, str(value)


def _limit(name: str, text: str) -> Any:
    what = f"--{name}"
    if name == "budget":
        return read_usd(text, what)
    if name == "max-gpus":
        return read_count(text, what)
    if name in LATENCIES:
        return read_seconds(text, what)
    return ("share", read_percentage(text, what)) if text.strip().endswith("%") else ("usd", read_usd(text, what))


def broken(gates: Mapping[str, str], plan: "CapacityPlan", before: "CapacityPlan | None") -> Iterator[str]:
    """Yield a sentence for each gate that a plan does not keep.

    Args:
        gates: as ``gates_of`` returns them.
        before: what an increase is counted from.
    """
    monthly = plan.cost.monthly_usd
    for name, text in gates.items():
        limit = _limit(name, text)
        if name == "max-gpus":
            if plan.fleet.accelerators > limit:
                yield f"{plan.fleet.accelerators:,} accelerators are more than the {limit:,.0f} of --max-gpus"
        elif name in LATENCIES:
            metric, _, percentile = name.partition("-")
            value = plan.performance.at_peak.latency_s(metric, percentile)  # type: ignore[arg-type]  # of LATENCIES
            if value > limit:
                over = _over(show_seconds(value), show_seconds(limit), name)
                yield f"{metric.upper()} {percentile} is {show_seconds(value)}, {over}"
        elif monthly is None:
            yield f"--{name} cannot be judged: no price is known"
        elif name == "budget":
            if monthly > limit:
                yield f"{show_usd(monthly)} a month is {_over(show_usd(monthly), show_usd(limit), name)}"
        else:
            yield from _moved(name, limit, monthly, None if before is None else before.cost.monthly_usd)


def _moved(name: str, limit: tuple[str, float], monthly: float, before: float | None) -> Iterator[str]:
    if before is None:
        yield f"--{name} cannot be judged: the previous plan has no price"
        return
    change = monthly - before if name == "max-increase" else before - monthly
    kind, most = limit
    if change > (most * before if kind == "share" else most) + 1e-9 * before:
        direction = "more" if name == "max-increase" else "less"
        asked = show_percent(most) if kind == "share" else show_usd(most)
        share = show_percent(change / before) if before else ""
        over = _over(share if kind == "share" else show_usd(change), asked, name)
        yield f"{show_usd(change)}{share and f' ({share})'} a month {direction} than before is {over}"


def _over(shown: str, limit: str, name: str) -> str:
    return f"{'just ' if shown == limit else ''}over the {limit} of --{name}"
