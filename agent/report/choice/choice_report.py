"""Which way to serve a question: the best one, what it would be elsewhere and on other terms, the front, what binds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agent.report.blocks import Block, Bullets, Chart, Column, Group, Heading, Mark, Paragraph, Report, Series, Table
from agent.report.cost.price_origin import origin_beside
from agent.report.words import capital, usd_shown
from catalogs.units import TERM_WORDS, show_count, show_percent, show_seconds, show_usd
from engine.choice.advice import Advice
from engine.choice.choice import Choice
from engine.choice.front import Relaxation
from engine.choice.mixed import Line, Mixture, Split
from engine.choice.options import Objective, Option
from engine.fleet.offers import origin
from engine.fleet.search import SizedCandidates
from engine.plan import plain, six_digits, split_shown
from engine.planning.phrases import counted
from engine.workload import ANY_PROVIDER, WorkloadSpec

SHOWN = 6
"""Runners-up, and points of the front, on a screen; the JSON has them all."""
BEST: dict[Objective, str] = {"cost": "Cheapest", "latency": "Fastest", "energy": "Greenest", "count": "Smallest"}

BETTER: dict[Objective, str] = {"cost": "Cheaper", "latency": "Faster", "energy": "Greener", "count": "Smaller"}


def named(option: Option) -> str:
    """Return an option in words: '20 × H100 SXM5 80GB = 5 × TP4, FP8'."""
    count = f"{show_count(option.accelerators)} × {option.accelerator_name}"
    return f"{count} = {show_count(option.replicas)} × {split_shown(option)}, {option.precision.upper()}"


def latency_name(spec: WorkloadSpec) -> str:
    """Return the latency that is set against money."""
    return spec.targets[0].name if spec.targets else "mean E2E"


@Report.of
def choice_report(choice: Choice, command: str) -> Iterator[Block]:
    """Yield the choice for a terminal.

    Args:
        command: that makes the whole plan of the best.
    """
    best, latency = choice.best, latency_name(choice.spec)
    power = f", {show_count(round(best.kwh_per_month))} kWh" if best.kwh_per_month is not None else ""
    lines = [
        Paragraph(f"{BEST[choice.objective]} of {counted(choice.tried, 'way')}: {named(best)}.", "strong"),
        Paragraph(
            f"{_price(choice)}{power}; {latency} "
            f"{show_seconds(best.latency_s)}, ITL {show_seconds(best.itl_mean_s)} at the peak, "
            f"{show_percent(best.utilisation)} of saturation. {capital(choice.binds)}; "
            f"{choice.latency_class}."
        ),
    ]
    if over := choice.over_budget_usd:
        budget = usd_shown(choice.spec.money.monthly_budget_usd)
        lines.append(
            Paragraph(f"Nothing {TERM_WORDS[best.term]} is within {budget} a month: over by {usd_shown(over)}.", "bad")
        )
    if choice.doubts:
        other = choice.trusted
        more = f" Without such doubts: {named(other)}, {usd_shown(other.monthly_usd)} a month." if other else ""
        lines.append(Paragraph(f"{capital('; '.join(choice.doubts))}.{more}"))
    if choice.least and choice.spec.money.provider is None:
        lines.append(
            Paragraph(
                "The usual price is an offer at the median provider's price per accelerator, or the next above it that "
                f"fits; the cheapest single offer is {usd_shown(choice.least.monthly_usd)} a month: "
                f"{named(choice.least)} ({_where(choice.least)})."
            )
        )
    yield Group(tuple(lines))
    yield from _tables(choice)
    yield from _mixed(choice)
    if choice.relaxations:
        relaxed = (f"{one.constraint} {one.from_} → {one.to} saves {_saved(one)}" for one in choice.relaxations)
        yield Bullets(tuple(relaxed), "What relaxing a constraint saves, before a simulation:")
    if choice.advice:
        advice = (f"{one.change}: {one.note or f'saves {_saved(one)}'}" for one in choice.advice)
        yield Bullets(tuple(advice), "What would change the plan:")
    traffic = choice.spec.traffic
    if traffic.burst > 1 or traffic.growth_per_year > 0:
        yield Paragraph("Counted is the whole fleet: with its burst and its growth.", "quiet")
    yield Paragraph(f"By the formulas; {command} simulates it and makes the whole plan.", "quiet")


def _price(choice: Choice) -> str:
    best = choice.best
    if best.monthly_usd is None:
        asked = choice.spec.money.provider
        at = f" at {asked}" if asked and asked != ANY_PROVIDER else ""
        return f"No price {TERM_WORDS[best.term]}{at}: it is not offered so"
    return f"{usd_shown(best.monthly_usd)} a month {TERM_WORDS[best.term]}{_at(choice)}"


def _at(choice: Choice) -> str:
    """Return whose price it is: 'at the usual price', or a provider's."""
    best = choice.best
    age = ", an old price" if best.old_price else ""
    if choice.spec.money.provider is None:
        return f" at the usual price ({best.provider}{age})" if best.provider else ""
    stands_in = f" for {best.offer.stands_in_for}" if best.offer and best.offer.stands_in_for else ""
    among = ", the cheapest of all" if choice.spec.money.provider == ANY_PROVIDER else ""
    return f" at {' '.join(filter(None, (best.provider, best.region)))}{stands_in}{among}{age}"


def _tables(choice: Choice) -> Iterator[Block]:
    best = choice.best
    if choice.runners_up:
        yield Heading("On other accelerators")
        yield _table(choice.spec, choice.runners_up[:SHOWN], best)
        yield from _on_paper(choice)
    if choice.unable:
        shown = choice.unable[:SHOWN]
        more = f"; {len(choice.unable) - len(shown)} more do not" if len(choice.unable) > len(shown) else ""
        reasons = "; ".join(f"{name}: {why}" for name, why in shown)
        yield Paragraph(f"Nothing meets it on {reasons}{more}.", "quiet")
    if len(choice.by_provider) > 1:
        yield Heading("At each provider, the best that it has")
        yield _table(choice.spec, [(option, _where(option)) for option in choice.by_provider[:SHOWN]])
    if len(choice.by_precision) > 1:
        yield Heading("By precision (whether the answers stay good enough is yours to test)")
        yield _table(choice.spec, [(option, "") for option in choice.by_precision], best)
    if len(choice.by_term) > 1:
        yield Heading("By term")
        yield _table(choice.spec, [(option, origin(option.offer) if option.offer else "") for option in choice.by_term])
    if len(choice.front) > 1:
        yield Heading(f"Money against {latency_name(choice.spec)}: nothing is both cheaper and faster than these")
        yield front_table(choice.spec, choice.front[:SHOWN], best)
        yield front_chart(choice.spec, choice.front)


def _on_paper(choice: Choice) -> Iterator[Paragraph]:
    """Yield what would be better than the best, and was left out for the reason that is given."""
    better: dict[str, list[str]] = {}
    measured = choice.best.measure(choice.objective)
    for option, _ in choice.runners_up[SHOWN:]:
        if option.doubt and option.measure(choice.objective) < measured:
            better.setdefault(option.doubt, []).append(f"{named(option)}, {usd_shown(option.monthly_usd)} a month")
    for doubt, options in better.items():
        yield Paragraph(
            f"{BETTER[choice.objective]} on paper, but {doubt}; taken where it is named: {'; '.join(options)}."
        )


def front_table(spec: WorkloadSpec, front: Sequence[Option], best: Option | None = None) -> Table:
    """Return the fleets of a front, the cheapest first.

    Args:
        best: whose price is known: another's is named.
    """
    return _table(spec, [(option, "") for option in front], best)


def front_chart(spec: WorkloadSpec, front: Sequence[Option], marks: tuple[Mark, ...] = ()) -> Chart:
    """Return a front as a curve: what a shorter latency costs.

    Args:
        spec: of the question, whose first target says which latency.
        front: the cheapest first.
        marks: what else is shown there.
    """
    name = latency_name(spec)
    first, last = front[0], front[-1]
    return Chart(
        "USD a month",
        tuple(round(option.monthly_usd or 0.0) for option in front),
        (Series.of(name, (option.latency_s for option in front), show_seconds),),
        "s",
        marks=marks,
        said=(
            f"From {usd_shown(first.monthly_usd)} a month with {name} of {show_seconds(first.latency_s)} to "
            f"{usd_shown(last.monthly_usd)} with {show_seconds(last.latency_s)}."
        ),
    )


def _table(spec: WorkloadSpec, options: Sequence[tuple[Option, str]], best: Option | None = None) -> Table:
    """Return options as rows; whose price one is at is said where that is not the price of the best."""
    columns = (Column("fleet"), *Column.figures("monthly", latency_name(spec), "ITL"), Column.sentences())
    rows = []
    for option, said in options:
        figures = (usd_shown(option.monthly_usd), show_seconds(option.latency_s), show_seconds(option.itl_mean_s))
        whose = origin_beside(option.offer, best.offer) if best else ""
        rows.append((named(option), *figures, "; ".join(filter(None, (said, whose)))))
    return Table(columns, tuple(rows))


def _mixed(choice: Choice) -> Iterator[Block]:
    if choice.mixture:
        mixed, alone = choice.mixture, choice.mixture.alone
        lines = (*mixed.lines, alone)
        said = (*(line.purpose for line in mixed.lines), f"the best of one kind, {alone.purpose}")
        saved = f"{usd_shown(mixed.monthly_usd)} a month, {show_percent(mixed.saved_share)} less than the best of one"
        yield Bullets(
            tuple(f"{_held(one)}, {usd_shown(one.monthly_usd)}: {why}" for one, why in zip(lines, said, strict=True)),
            f"Two kinds behind one router: {saved}.",
        )
    if choice.split:
        split = choice.split
        pools = [
            f"{show_count(int(sized.counts.total[row]))} × {sized.candidates.parallelism.sizes(row).spelling} on "
            f"{sized.candidates.accelerator(row).name}"
            for _, sized, row in (split.short, split.long)
        ]
        yield Paragraph(
            f"Apart by length, prompts up to {show_count(round(split.longest_tokens))} tokens to {pools[0]} and longer "
            f"ones to {pools[1]}: {usd_shown(split.monthly_usd)} a month."
        )


def _held(line: Line) -> str:
    count = show_count(line.most) if line.least == line.most else f"{show_count(line.least)}–{show_count(line.most)}"
    option = line.option
    what = f"{split_shown(option)} on {option.accelerator_name} in {option.precision.upper()}"
    return f"{count} × {what}, {origin(option.offer) if option.offer else TERM_WORDS[line.term]}"


def _where(option: Option) -> str:
    age = ", an old price" if option.old_price else ""
    return f"{' '.join(filter(None, (option.provider, option.region)))}: {option.instance}{age}"


def _saved(one: Relaxation | Advice) -> str:
    fewer = f"{counted(one.accelerators, 'GPU')}, " if one.accelerators > 0 else ""
    return f"{fewer}{show_usd(one.monthly_usd)} a month"


def choice_tree(choice: Choice) -> dict[str, Any]:
    """Return the choice as JSON holds it."""
    return {
        "objective": choice.objective,
        "latency": latency_name(choice.spec),
        "tried": choice.tried,
        "best": _tree(choice.best),
        "over_budget_usd": plain(choice.over_budget_usd, usd=True),
        "runners_up": [_tree(option) | {"why_not": why} for option, why in choice.runners_up],
        "by_term": [_tree(option) for option in choice.by_term],
        "by_precision": [_tree(option) for option in choice.by_precision],
        "by_provider": [_tree(option) for option in choice.by_provider],
        "unable": [{"accelerator": name, "why": why} for name, why in choice.unable],
        "binds": choice.binds,
        "front": [_tree(option) for option in choice.front],
        "relaxations": [_relaxation_tree(one) for one in choice.relaxations],
        "latency_class": choice.latency_class,
        "advice": [plain(one) for one in choice.advice],
        "doubts": list(choice.doubts),
        "trusted": _tree(choice.trusted) if choice.trusted else None,
        "mixture": _mixture_tree(choice.mixture) if choice.mixture else None,
        "split": _split_tree(choice.split) if choice.split else None,
        "spec": plain(choice.spec),
    }


def choice_rows(choice: Choice) -> list[dict[str, Any]]:
    """Return every option that the choice shows as a row of figures, with where it stands and what is said of it."""
    parts: list[tuple[str, Iterable[tuple[Option, str]]]] = [
        ("best", [(choice.best, choice.binds)]),
        ("other accelerator", choice.runners_up),
        ("term", [(option, "") for option in choice.by_term]),
        ("precision", [(option, "") for option in choice.by_precision]),
        ("provider", [(option, "") for option in choice.by_provider]),
        ("front", [(option, "") for option in choice.front]),
    ]
    return [{"list": name} | _tree(option) | {"why": why} for name, some in parts for option, why in some]


def _mixture_tree(mixed: Mixture) -> dict[str, Any]:
    def line(one: Line) -> dict[str, Any]:
        values = {name: getattr(one, name) for name in ("term", "least", "most", "purpose")}
        return values | {"option": _tree(one.option), "monthly_usd": plain(one.monthly_usd, usd=True)}

    lines, usd = [line(one) for one in mixed.lines], plain(mixed.monthly_usd, usd=True)
    return {"lines": lines, "monthly_usd": usd, "alone": line(mixed.alone)}


def _split_tree(split: Split) -> dict[str, Any]:
    def pool(sized: SizedCandidates, row: int) -> dict[str, Any]:
        sizes = sized.candidates.parallelism.sizes(row)
        return {
            "accelerator": sized.candidates.accelerator(row).id,
            "tensor_parallel": sizes.tp,
            "pipeline_parallel": sizes.pp,
            "replicas": int(sized.counts.total[row]),
            "monthly_usd": six_digits(float(sized.monthly_usd[row])),
        }

    return {
        "short_share": split.share,
        "longest_short_tokens": six_digits(split.longest_tokens),
        "short": pool(*split.short[1:]),
        "long": pool(*split.long[1:]),
        "monthly_usd": six_digits(split.monthly_usd),
    }


def _relaxation_tree(one: Relaxation) -> dict[str, Any]:
    return plain({name.removesuffix("_"): getattr(one, name) for name in one.__struct_fields__})


_INTERNAL = ("offer", "offers", "other_usd", "search", "row")


def _tree(option: Option) -> dict[str, Any]:
    values = {name: getattr(option, name) for name in option.__struct_fields__ if name not in _INTERNAL}
    return plain(values | {"priced_at": origin(option.offer) if option.offer else ""})
