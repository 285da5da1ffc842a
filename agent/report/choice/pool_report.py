"""Several workloads pooled, on shared cards or apart: which is cheapest, what each meets there, and why."""

from collections.abc import Iterator
from typing import Any

from agent.report.blocks import Block, Bullets, Column, Group, Heading, Paragraph, Report, Table
from agent.report.choice.choice_report import named
from agent.report.words import capital, listed_names, usd_shown
from catalogs.units import show_count, show_percent, show_rate, show_seconds, show_usd
from engine.choice.options import Option
from engine.choice.sharing.cards import Share, SharedCards
from engine.choice.sharing.pool import Pool
from engine.choice.sharing.ways import Fleet, Grouping, Kind, Together
from engine.plan import parallelism_shown, plain, split_shown
from engine.planning.phrases import counted

IN_WORDS: dict[Kind, str] = {
    "apart": "apart",
    "pooled": "pooled on one fleet",
    "adapters": "as LoRA adapters of one base on one fleet",
    "slices": "beside each other in slices of cards (MIG)",
    "turns": "beside each other on cards, taking turns",
}
ADAPTED = "Each step is planned 2 ms longer for adapters (Punica, arXiv:2310.18547), at rank 16."
REACHED = 0.98
"""Times the sum of separate peaks, below which a peak together is worth saying."""


def fleet_words(fleet: Fleet) -> str:
    """Return a fleet in words: '2 × H100 SXM5 80GB = 2 × TP1, FP8'."""
    of = fleet.of
    if isinstance(of, Option):
        return named(of)
    if isinstance(of, SharedCards):
        return f"{show_count(of.cards)} × {of.card.name}: {', '.join(_share_words(share) for share in of.shares)}"
    split = parallelism_shown(*of.candidate.parallelism.sizes(), separator=" ")
    name = of.candidate.accelerator(0).name
    return f"{show_count(of.accelerators)} × {name} = {show_count(of.replicas)} × {split}, {of.question.weights.name}"


def _share_words(share: Share) -> str:
    whole = f" and {counted(share.whole_cards, 'card')} of its own" if share.whole_cards else ""
    return f"{share.workload} in {show_count(share.replicas)} × {share.part}, {share.precision.upper()}{whole}"


@Report.of
def pool_report(result: Together) -> Iterator[Block]:
    """Yield what was found for a terminal."""
    best, apart, names = result.best, result.apart, [one.name for one in result.workloads]
    if best is apart:
        line = f"Apart is cheapest for {listed_names(names)}: {usd_shown(apart.monthly_usd)} a month."
    else:
        saved = f"{show_percent(result.saved_usd / apart.monthly_usd)} less than apart" if apart.monthly_usd else ""
        what = "; ".join(
            f"{listed_names(fleet.workloads)} {IN_WORDS[fleet.kind]}: {fleet_words(fleet)}" for fleet in best.fleets
        )
        line = f"Cheapest: {what}. {usd_shown(best.monthly_usd)} a month, {saved}."
    said = [Paragraph(line, "strong"), *(Paragraph(why) for why in _reasons(result))]
    said += [Paragraph(f"{capital(warning)}.", "warning", "Warning") for warning in result.warnings]
    yield from (Group(tuple(said)), _ways(result), Heading("What each workload meets"), _met(result))
    if result.refusals:
        yield Bullets(tuple(dict.fromkeys(_refused(one, result) for one in result.refusals)), "Not possible:")
    if result.adapters:
        base = result.adapters
        fleet = next(one for one in base.fleets if one.kind == "adapters")
        less = result.best.monthly_usd - base.monthly_usd
        yield Paragraph(
            f"If {listed_names(fleet.workloads)} are LoRA adapters of one base, not models of their own: "
            f"{fleet_words(fleet)}, {usd_shown(base.monthly_usd)} a month for all, {show_usd(less)} less (--lora). "
            f"{ADAPTED}"
        )
    yield Paragraph(_rests_on(best), "quiet")


def _reasons(result: Together) -> Iterator[str]:
    """Yield why the best is the best: peaks that do not coincide, what is paid and idle, what interferes."""
    for fleet in result.best.fleets:
        of = fleet.of
        if isinstance(of, Pool):
            peaks = sum(float(one.hourly.max()) for one in result.workloads if one.name in fleet.workloads)
            if of.peak_calls_per_s < REACHED * peaks:
                together = show_rate(of.peak_calls_per_s, "calls/s")
                yield f"Their peaks do not coincide: together {together}, apart {show_rate(peaks, 'calls/s')}."
            yield f"In its fullest hour {show_percent(of.utilisation)} of saturation{_used_apart(result, fleet)}."
        elif isinstance(of, SharedCards):
            yield f"Alone each leaves its accelerators idle{_used_apart(result, fleet)}."
    if result.best is result.apart and result.others:
        other = result.others[0]
        more = other.monthly_usd - result.apart.monthly_usd
        how = capital(listed_names([IN_WORDS[kind] for kind in other.kinds]))
        if abs(more) < 0.5:
            yield f"{how} costs the same, and one would depend on the other."
        elif more < 0:
            yield f"{how} saves {show_usd(-more)} a month, too little to depend on one another for."
        else:
            yield f"{how} costs {show_usd(more)} a month more."


def _used_apart(result: Together, fleet: Fleet) -> str:
    alone = [(one.name, one.best.utilisation) for one in result.workloads if one.name in fleet.workloads]
    return "; apart " + ", ".join(f"{name} {show_percent(share)}" for name, share in alone)


def _ways(result: Together) -> Table:
    columns = (Column("way"), *Column.figures("GPUs", "monthly"), Column.sentences())
    ranked = sorted((result.best, *result.others), key=lambda one: (round(one.monthly_usd, 2), one is not result.best))
    rows = [
        (
            listed_names([IN_WORDS[kind] for kind in one.kinds]),
            show_count(one.accelerators),
            usd_shown(one.monthly_usd),
            "; ".join(f"{listed_names(fleet.workloads)}: {fleet_words(fleet)}" for fleet in one.fleets),
        )
        for one in ranked
    ]
    return Table(columns, tuple(rows))


def _met(result: Together) -> Table:
    """Return each workload's targets, or its usual latencies, beside what it meets in each way."""
    ways = (result.best, *result.others)
    names = (" + ".join(way.kinds) for way in ways)
    columns = (Column("workload"), Column("latency"), *Column.figures("asked", *names))
    rows = []
    for one in result.workloads:
        met = [next(m for fleet in way.fleets for m in fleet.met if m.workload == one.name) for way in ways]
        if one.targets:
            own = enumerate(one.targets)
            asked = [(t.name, show_seconds(t.seconds), [m.targets_s[at] for m in met]) for at, t in own]
        else:
            asked = [("TTFT p95", "–", [m.ttft_p95_s for m in met]), ("ITL mean", "–", [m.itl_s for m in met])]
        rows += [(one.name, name, limit, *map(show_seconds, there)) for name, limit, there in asked]
    return Table(columns, tuple(rows))


def _refused(one: Any, result: Together) -> str:
    who = f"{listed_names(one.workloads)} " if len(result.workloads) > 2 else ""
    return f"{who}{IN_WORDS[one.kind]}: {one.why}"


def _rests_on(best: Grouping) -> str:
    said = ["By the formulas, whole fleets for the busiest hour; nothing was simulated."]
    kinds = best.kinds
    if "adapters" in kinds:
        said.append(ADAPTED)
    if "turns" in kinds:
        said.append(
            "Engines that take turns are planned as if the others always had work: each has an equal share of the "
            "time. What switching costs was not measured."
        )
    if "slices" in kinds:
        said.append("A slice runs at the efficiencies of the whole card; no engine in one was measured.")
    return " ".join(said)


def pool_tree(result: Together) -> dict[str, Any]:
    """Return what was found as JSON holds it."""
    return plain(
        {
            "workloads": [{"name": one.name, "targets": one.targets} for one in result.workloads],
            "best": _grouping_tree(result.best),
            "apart": _grouping_tree(result.apart),
            "saved_monthly_usd": result.saved_usd,
            "warnings": result.warnings,
            "others": [_grouping_tree(one) for one in result.others],
            "refused": result.refusals,
            "if_lora_adapters": _grouping_tree(result.adapters) if result.adapters else None,
        }
    )


def pool_rows(result: Together) -> list[dict[str, Any]]:
    """Return a row for each workload in each way, with its fleet and what it meets there; a fleet's bill is whole."""
    return plain(
        [
            {
                "way": " + ".join(grouping.kinds),
                "chosen": grouping is result.best,
                "all_monthly_usd": grouping.monthly_usd,
                "workload": name,
                "fleet": fleet_words(fleet),
                "fleet_of": " + ".join(fleet.workloads),
                "fleet_monthly_usd": fleet.monthly_usd,
                "accelerators": fleet.accelerators,
                "ttft_p95_s": met.ttft_p95_s,
                "itl_s": met.itl_s,
            }
            for grouping in (result.best, *result.others)
            for fleet in grouping.fleets
            for name, met in zip(fleet.workloads, fleet.met, strict=True)
        ]
    )


def _grouping_tree(grouping: Grouping) -> dict[str, Any]:
    return {
        "ways": list(grouping.kinds),
        "monthly_usd": grouping.monthly_usd,
        "accelerators": grouping.accelerators,
        "fleets": [_fleet_tree(fleet) for fleet in grouping.fleets],
    }


def _fleet_tree(fleet: Fleet) -> dict[str, Any]:
    of = fleet.of
    tree: dict[str, Any] = {
        "way": fleet.kind,
        "workloads": list(fleet.workloads),
        "monthly_usd": fleet.monthly_usd,
        "accelerators": fleet.accelerators,
        "accelerator": fleet.accelerator,
        "provider": of.offer.provider if of.offer else "",
        "met": fleet.met,
    }
    if isinstance(of, SharedCards):
        names = ("workload", "part", "precision", "replicas", "whole_cards")
        shares = [{name: getattr(share, name) for name in names} for share in of.shares]
        return tree | {"shares": shares}
    if isinstance(of, Pool):
        split = parallelism_shown(*of.candidate.parallelism.sizes(), separator=" ")
        peak = {"utilisation": of.utilisation, "peak_calls_per_s": of.peak_calls_per_s}
        return tree | {"precision": of.question.weights.id} | peak | {"split": split, "replicas": of.replicas}
    own = {"precision": of.precision, "split": split_shown(of), "replicas": of.replicas, "utilisation": of.utilisation}
    return tree | own
