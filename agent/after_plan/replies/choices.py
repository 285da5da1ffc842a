"""Other choices than the plan's, each sketched beside it: models, hardware, what is cheaper, what is faster."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.after_plan.replies.asked import LIMITS, LOAD, PLACE, Asked, paragraphs, stated_s
from agent.after_plan.replies.bills.places import other_bills
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS, fleet_holds
from agent.after_plan.replies.running.counted import counted
from agent.after_plan.replies.shares import shared_out
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.report.blocks import Cell, Column, Table
from agent.report.cost.price_origin import bill_beside
from agent.report.words import accelerators_noun, calls_shown, singular, usd_shown
from agent.talk.answer_display import variant_shown
from agent.talk.model_proposals import model_proposals, purpose_in
from agent.talk.requests import Variation
from agent.talk.state import joined_targets
from catalogs.errors import AmbiguousName, InputError
from catalogs.units import show_count, show_figure, show_rate, show_seconds, show_usd
from engine.fleet.offers import origin
from engine.plan import CapacityPlan, NoPlan, split_shown
from engine.workload import Metric, Target, target_name

Change = tuple[str, Mapping[str, Any], frozenset[str]]
_NONE: Final = frozenset[str]()
_HARDWARE: Final = frozenset({"hardware.accelerators", "hardware.excluded"})
ANY_ACCELERATOR: Final[tuple[Change, ...]] = (
    ("any accelerator", {}, _HARDWARE | {"money.region"}),
    ("any accelerator elsewhere", {}, _HARDWARE | PLACE),
)


def other_models(asked: Asked) -> Explanation:
    """Return models for the purpose that is named, or the usual ones, on the accelerators and the load of the plan."""
    plan, catalog = asked.plan, asked.ports.catalog
    if parts := shared_out(asked):
        return parts
    if asked.has("largest|biggest|bigger|larger|beefiest") and not asked.has("cheaper|smaller"):
        return _for_the_bill(asked) if asked.has("money|bill|budget|price|cost|costs|spend") else _largest(asked)
    purpose = purpose_in(asked.words)
    proposals = model_proposals()
    entries = (
        purpose.models if purpose else tuple({m.id: m for p in proposals.purpose[:3] for m in p.models[:2]}.values())
    )
    if named := _named_model(asked):
        ((label, found),) = _sketched(
            asked,
            ((catalog.models[named].name, {"model": named}, frozenset({"precision.weights", "precision.kv_cache"})),),
        )
        return (
            *paragraphs(f"For the same load, on {plan.chosen.accelerator_name}, in the precision of its checkpoint:"),
            Table(
                (Column("model"), *_COLUMNS),
                ((plan.chosen.model_name, *_shown(plan, plan)), (label, *_shown(found, plan))),
            ),
            *paragraphs(
                f"'with {named}' plans it in full. Whether its answers are as good only your own cases can tell."
            ),
        )
    changes = tuple(
        (catalog.models[entry.id].name, {"model": entry.id}, frozenset({"precision.weights", "precision.kv_cache"}))
        for entry in entries
        if entry.id != plan.chosen.model
    )
    why = {catalog.models[entry.id].name: entry.why for entry in entries}
    rows = [(label, _shown(found, plan), why[label]) for label, found in _sketched(asked, changes)]
    columns = (Column("model"), *_COLUMNS, Column("", wraps=True, spoken="sentence"))
    table = Table(
        columns,
        (
            (plan.chosen.model_name, *_shown(plan, plan), "the plan's"),
            *((label, *cells, reason) for label, cells, reason in rows),
        ),
    )
    lead = (
        f"For {purpose.id if purpose else 'the same load'}, on {plan.chosen.accelerator_name}, each in the precision of"
        " its checkpoint:"
    )
    return (
        *paragraphs(lead),
        table,
        *paragraphs(
            f"'with {entries[0].id}' plans one in full; 'fleetcast catalog models' lists all. Proposed as of"
            f" {proposals.checked}; whether its answers are good enough only your own cases can tell."
        ),
    )


def _named_model(asked: Asked) -> str | None:
    """Return the entry of the model that a line names beside the plan's, the newest of a name that several have."""
    reading = asked.reading()
    asks = [one.choices[0].value for one in reading.questions if one.path == "model" and one.choices]
    named = reading.values.get("model") or (asks[0] if asks else None)
    if not isinstance(named, str):
        return None
    try:
        found = asked.ports.catalog.model(named).model.id
    except InputError:
        return None
    return None if found == asked.plan.chosen.model or found not in asked.ports.catalog.models else found


_LIKED: Final = ("llama", "qwen", "gpt-oss", "mistral", "deepseek", "gemma", "glm")
"""Families that are looked through for the largest model."""


def _largest(asked: Asked) -> Explanation:
    """Return the largest models whose weights and a few requests fit a number of the plan's accelerators."""
    plan, catalog = asked.plan, asked.ports.catalog
    count = asked.count_of(rf"{GPUS}|of (?:them|these|those)") or plan.chosen.accelerators_per_replica
    memory = count * catalog.accelerators[plan.chosen.accelerator].memory_gib * 2**30
    sized = sorted(
        (
            (model.published.total_billions, model.id)
            for model in catalog.models.values()
            if model.published and model.family.startswith(_LIKED) and model.published.total_billions * 0.5e9 < memory
        ),
        reverse=True,
    )
    free = LIMITS | LOAD | {"precision.weights", "precision.kv_cache", "availability.spare_replicas", "targets"}
    rows: list[tuple[Cell, ...]] = []
    for billions, identity in sized[:24]:
        for weights in (None, "fp8", "int4"):
            values: dict[str, Any] = {
                "model": identity,
                "hardware.accelerators": (plan.chosen.accelerator,),
                "hardware.accelerator_count": count,
            }
            ((_, found),) = _sketched(
                asked, ((identity, values | ({"precision.weights": weights} if weights else {}), free),)
            )
            if isinstance(found, CapacityPlan) and all(row[1] != f"{billions:.0f} billion" for row in rows):
                rows.append(
                    (
                        found.chosen.model_name,
                        f"{billions:.0f} billion",
                        found.chosen.precision.weights.upper(),
                        show_rate(found.answer.holds_to_requests_per_s),
                    )
                )
                break
        if len(rows) == 3:
            break
    columns = (
        Column("model"),
        Column("parameters", "right"),
        Column("weights"),
        Column("holds, without targets", "right"),
    )
    lead = f"The largest that fit {count} × {plan.chosen.accelerator_name}, of the families that are used most:"
    return (
        *paragraphs(lead),
        Table(columns, tuple(rows)),
        *paragraphs("'fleetcast catalog models --fits' lists all of the catalog."),
    )


def _for_the_bill(asked: Asked) -> Explanation:
    """Return the largest models whose fleet for the plan's load costs at most what the plan does."""
    plan, catalog = asked.plan, asked.ports.catalog
    mine = catalog.models.get(plan.chosen.model)
    least = mine.published.total_billions if mine and mine.published else 0.0
    larger = sorted(
        (
            (model.published.total_billions, model.id)
            for model in catalog.models.values()
            if model.published and model.family.startswith(_LIKED) and model.published.total_billions > least * 1.05
        ),
        reverse=True,
    )
    free = frozenset({"precision.weights", "precision.kv_cache", "hardware.accelerators"})
    changes = tuple((catalog.models[identity].name, {"model": identity}, free) for _, identity in larger)
    rows: list[tuple[Cell, ...]] = []
    for change, (billions, _) in zip(changes, larger, strict=True):
        ((label, found),) = _sketched(asked, (change,))
        usd = found.cost.monthly_usd if isinstance(found, CapacityPlan) and found.answer.meets_targets else None
        if usd is not None and usd <= (plan.cost.monthly_usd or 0.0):
            rows.append((label, f"{billions:.0f} billion", *_shown(found, plan)))
        if len(rows) == 3:
            break
    bill = usd_shown(plan.cost.monthly_usd)
    if not rows:
        return paragraphs(f"None: no larger model of the usual families carries this load for {bill} a month.")
    columns = (Column("model"), Column("parameters", "right"), *_COLUMNS)
    return (
        *paragraphs(f"The largest that carry the same load within the targets for at most {bill} a month, on any GPU:"),
        Table(columns, tuple(rows)),
        *paragraphs("Parameters are no measure of how well it answers: try them on cases of your own."),
    )


_COLUMNS: Final = (Column("fleet"), Column("monthly", "right"), Column("TTFT p95", "right"), Column("ITL", "right"))


def _shown(found: CapacityPlan | str, base: CapacityPlan) -> tuple[Cell, ...]:
    if isinstance(found, str):
        return found, "", "", ""
    peak, first = found.performance.at_peak, found.peak_latency_s("ttft", "p95")
    fleet = f"{found.fleet.accelerators} × {found.chosen.accelerator_name}"
    cells = (fleet, bill_beside(found, base), show_seconds(first), show_seconds(peak.itl_s.mean))
    return cells if found.answer.meets_targets else ("cannot meet the targets", "", *cells[2:])


def _sketched(asked: Asked, changes: tuple[Change, ...]) -> list[tuple[str, CapacityPlan | str]]:
    """Return the sketch of each change, or why there is none."""
    found: list[tuple[str, CapacityPlan | str]] = []
    for label, values, drops in changes:
        try:
            other = asked.sketch_priced(values, drops)
        except InputError as error:
            found.append((label, f"not possible: {error}"))
            continue
        if isinstance(other, NoPlan):
            found.append((label, f"cannot: {other.rejected[0].reason}" if other.rejected else other.sentence))
        else:
            found.append((label, other))
    return found


_CODE: Final = re.compile(
    r"\b(?:rtx ?)?(?:[1-5]0[5-9]0(?: ?ti| ?super)?|a\d000)s?\b|\b(?:v100|p40|p100|m40|gh200|dgx"
    r" spark|mac\w*|[a-z]+\d{1,4}[a-z]*)s?\b"
)


def accelerators_in(asked: Asked) -> tuple[str, ...]:
    """Return the accelerators that a line names."""
    values = asked.reading().values
    named = values.get("hardware.accelerators", ()) or values.get("hardware.excluded", ())
    return tuple(named) or tuple(filter(None, (_accelerator(match[0], asked) for match in _CODE.finditer(asked.words))))


def _accelerator(name: str, asked: Asked) -> str | None:
    """Return the entry that a name alone means, the first of several; None for no accelerator."""
    try:
        return asked.ports.catalog.accelerator(name.removesuffix("s")).id
    except AmbiguousName as several:
        return several.hits[0]
    except InputError:
        return None


def runs_on(asked: Asked) -> Explanation:
    """Return whether the model fits the hardware that is named, how many of it, and what those carry."""
    plan = asked.plan
    named = accelerators_in(asked)
    if not named:
        if asked.has(r"laptop|cpu|mac\w*|workstation|\d+ ?gb|home|consumer hardware|gaming"):
            size = plan.memory.weights_bytes
            return paragraphs(
                "Name the accelerator and I can say ('would it run on a 4090'). The weights alone take"
                f" {size / 2**30:.0f} GiB in {plan.chosen.precision.weights.upper()}, about"
                f" {size / 2**30 / (2 if plan.chosen.precision.weights == 'fp8' else 4):.0f} GiB in INT4, and the KV"
                " cache comes on top: more than that must be there."
            )
        return paragraphs("On which accelerator? For example 'would it run on my 4090'.")
    accelerator = asked.ports.catalog.accelerators[named[0]]
    in_one = asked.said("hardware.accelerators_per_node")
    count = (
        (asked.said("hardware.nodes") or 1) * in_one
        if in_one
        else asked.said("hardware.accelerator_count") or asked.count_of(rf"(?:{GPUS}|[a-z]*\d[\w-]*)") or 1
    )
    alone, label = f"{count} × {accelerator.name}", f"{accelerator.name}"
    free = LIMITS | {"availability.spare_replicas", "serving.tensor_parallel", "serving.pipeline_parallel", *PLACE}
    values: dict[str, Any] = {"hardware.accelerators": (accelerator.id,)}
    changes: tuple[Change, ...] = (
        (alone, {**values, "hardware.accelerator_count": count}, free | LOAD),
        (f"{alone} in INT4", {**values, "hardware.accelerator_count": count, "precision.weights": "int4"}, free | LOAD),
        (f"the whole load on {label}", values, free),
    )
    (_, first), (_, fewer_bits), (_, whole) = _sketched(asked, changes)
    texts = []
    if isinstance(first, CapacityPlan) and first.answer.meets_targets:
        texts.append(
            f"Yes: {alone} runs it, up to {show_rate(first.answer.holds_to_requests_per_s)} in the busiest hour."
        )
    elif isinstance(first, CapacityPlan):
        texts.append(
            f"It fits, but {alone} cannot meet the targets: TTFT p95"
            f" {show_seconds(first.performance.at_peak.ttft_s.p95)}, ITL"
            f" {show_seconds(first.performance.at_peak.itl_s.mean)} even when little is asked."
        )
    else:
        texts.append(f"No, not on {alone}: {first.removeprefix('cannot: ')}.")
        texts.append(
            f"In INT4 it fits: up to {show_rate(fewer_bits.answer.holds_to_requests_per_s)}."
            if isinstance(fewer_bits, CapacityPlan)
            else f"In INT4: {fewer_bits.removeprefix('cannot: ')}."
        )
    if isinstance(whole, CapacityPlan) and whole.answer.meets_targets:
        texts.append(
            f"For the whole load it takes {whole.fleet.accelerators} of them ({whole.fleet.replicas} replicas of"
            f" {whole.chosen.accelerators_per_replica})."
        )
    else:
        reason = (
            whole.removeprefix("cannot: ")
            if isinstance(whole, str)
            else (
                f"it misses the targets, at best TTFT p95 {show_seconds(whole.performance.at_peak.ttft_s.p95)} and ITL"
                f" {show_seconds(whole.performance.at_peak.itl_s.mean)}"
            )
        )
        texts.append(f"The whole load cannot be served on {label}, however many: {reason}.")
    return paragraphs(*texts)


def rows_cheaper(asked: Asked, changes: tuple[Change, ...]) -> list[tuple[float, str, str, str]]:
    """Return what makes the bill smaller: the bill, what is changed, the fleet, the bill in words.

    Those at the plan's provider come first, then those at another, each the cheapest first; other terms are among them.

    Args:
        asked: the line.
        changes: that are tried, each alone.
    """
    plan, bill, own = asked.plan, asked.plan.cost.monthly_usd, asked.plan.chosen.offer
    fleet = f"{plan.fleet.accelerators} × {plan.chosen.accelerator_name}"
    provider = own.provider if own else ""
    found = {
        (one.offer.provider != provider, one.usd, origin(one.offer), fleet, show_usd(one.usd))
        for one in other_bills(asked)
    }
    for label, other in _sketched(asked, changes):
        if isinstance(other, CapacityPlan) and other.answer.meets_targets and other.cost.monthly_usd is not None:
            its = f"{other.fleet.accelerators} × {other.chosen.accelerator_name}"
            moved = other.chosen.offer is not None and other.chosen.offer.provider != provider
            shown = bill_beside(other, plan)
            if (its, shown) not in {row[3:] for row in found if "any accelerator" in row[2]}:
                found.add((moved, other.cost.monthly_usd, label, its, shown))
    return [row[1:] for row in sorted(found) if bill is None or row[1] < bill * 0.995]


def cheaper_how(asked: Asked) -> Explanation:
    """Return changes that lower the bill, the cheapest first, each with what it gives up."""
    plan = asked.plan
    input_mean = plan.spec.tokens.input.mean
    changes: list[Change] = [
        *ANY_ACCELERATOR,
        (
            "half of the prompts in the prefix cache",
            {"tokens.prefix_hit": max(0.5, plan.spec.tokens.prefix_hit)},
            _NONE,
        ),
        ("prompts half as long", {"tokens.input.mean": input_mean / 2}, _NONE),
        ("no peak (work put off to quiet hours)", {"traffic.peak_factor": 1.0}, _NONE),
    ]
    if plan.chosen.precision.weights in ("bf16", "fp16"):
        changes.append(("weights in FP8", {"precision.weights": "fp8"}, _NONE))
    changes.append(("weights in INT4", {"precision.weights": "int4"}, _NONE))
    if plan.targets:
        doubled = tuple(
            {"metric": t.metric, "percentile": t.percentile, "seconds": 2 * t.target_s} for t in plan.targets
        )
        changes.append(("targets twice as wide", {"targets": doubled}, _NONE))
    bill = plan.cost.monthly_usd
    rows = rows_cheaper(asked, tuple(changes))
    columns = (Column("with"), Column("fleet"), Column("monthly", "right"), Column("change", "right"))
    table = Table(
        columns,
        tuple((label, fleet, shown, f"{usd / bill - 1:+.0%}" if bill else "") for usd, label, fleet, shown in rows),
    )
    scaled = plan.cost.autoscaled_monthly_usd
    follow = (
        f"Following the load with the autoscaler saves {show_usd(bill - scaled)} a month as it is."
        if bill and scaled is not None and scaled < bill
        else ""
    )
    share = re.search(r"(\d+(?:\.\d+)?) ?(?:%|percent)", asked.words)
    wanted = (
        float(share[1]) / 100 if share else 1 / 3 if asked.has("third") else 0.5 if asked.has("half|halve") else 0.0
    )
    reach = ""
    if wanted and bill:
        enough = [label for usd, label, *_ in rows if usd <= bill * (1 - wanted) * 1.0005]
        goal = f"{show_usd(bill * (1 - wanted))} a month ({wanted:.0%} less)"
        reach = f"{goal}: {', '.join(enough)}, each alone." if enough else f"{goal} is reached by none of them alone."
    if not rows:
        return paragraphs(
            "None of the usual changes (term, precision, accelerator, prefix cache, targets) lowers the bill.", follow
        )
    return (
        *paragraphs(
            f"Now {usd_shown(bill)} a month for {plan.fleet.accelerators} {accelerators_noun(plan.chosen)}; each change"
            " alone:"
        ),
        table,
        *paragraphs(reach, follow),
    )


def sensitivity(asked: Asked) -> Explanation:
    """Return which inputs move the bill, the most first: what `fleetcast sensitivity` shows."""
    from agent.report.choice.sensitivity_report import sensitivity_report
    from engine.choice.sensitivity import sensitivity as moved

    found = moved(asked.plan, asked.ports.catalog)
    most = [swing.input for swing in found.swings[:2]]
    lead = f"{' and then '.join(most)} move{'s' if len(most) == 1 else ''} the bill most." if most else ""
    return (*paragraphs(lead[:1].upper() + lead[1:]), *sensitivity_report(asked.plan, found).blocks[1:])


def faster_how(asked: Asked) -> Explanation:
    """Return changes that shorten the latency that is asked about, the fastest first."""
    plan, chosen = asked.plan, asked.plan.chosen
    here = {"hardware.accelerators": (chosen.accelerator,)}
    changes: list[Change] = [
        (f"TP{2 * chosen.tensor_parallel}", {**here, "serving.tensor_parallel": 2 * chosen.tensor_parallel}, _NONE),
        (f"TP{4 * chosen.tensor_parallel}", {**here, "serving.tensor_parallel": 4 * chosen.tensor_parallel}, _NONE),
        (
            "replicas half as full",
            {**here, "serving.utilisation_ceiling": plan.spec.serving.utilisation_ceiling / 2},
            _NONE,
        ),
        (
            "half of the prompts in the prefix cache",
            {**here, "tokens.prefix_hit": max(0.5, plan.spec.tokens.prefix_hit)},
            _NONE,
        ),
        ("prompts half as long", {**here, "tokens.input.mean": plan.spec.tokens.input.mean / 2}, _NONE),
    ]
    changes += [
        (f"on {name}", {"hardware.accelerators": (identity,)}, _NONE)
        for name, identity in (("H200", "h200-sxm-141gb"), ("B200", "b200-sxm"))
        if identity != chosen.accelerator
    ]
    if chosen.precision.weights in ("bf16", "fp16"):
        changes.append(("weights in FP8", {**here, "precision.weights": "fp8"}, _NONE))
    drafted = (
        "Speculative decoding is not reckoned: what it gains hangs on the share of drafted tokens that is accepted, and"
        f" falls as replicas fill, {show_figure(plan.performance.at_peak.batch)} requests at a time here. Measure it on"
        " your own prompts at the planned load; the plan is on the safe side without it."
        if asked.has(r"specul\w*|eagle\w*|medusa|mtp|draft\w*")
        else ""
    )
    metric: Metric = "itl" if asked.has("itl|tpot|tokens? per second|inter token|token gap|streaming") else "ttft"
    found = [(label, other) for label, other in _sketched(asked, tuple(changes)) if isinstance(other, CapacityPlan)]
    found.sort(key=lambda item: getattr(item[1].performance.at_peak, f"{metric}_s").p95)
    columns = (
        Column("with"),
        Column("TTFT p95", "right"),
        Column("ITL p95", "right"),
        Column("fleet"),
        Column("monthly", "right"),
    )
    rows = tuple(
        (
            label,
            show_seconds(other.peak_latency_s("ttft", "p95")),
            show_seconds(other.peak_latency_s("itl", "p95")),
            f"{show_count(other.fleet.accelerators)} × {other.chosen.accelerator_name}",
            bill_beside(other, plan),
        )
        for label, other in (("as it is", plan), *found)
    )
    wanted = _targets_in(asked, metric)
    if wanted:
        values = {**here, "targets": joined_targets(plan.spec.targets, wanted, replace_metric=True)}
        ((_, planned),) = _sketched(asked, (("", values, _NONE),))
        named = ", ".join(f"{target_name(one.metric, one.percentile)} {show_seconds(one.seconds)}" for one in wanted)
        there = [label for label, other in found if all(_reaches(other, one) for one in wanted)]
        alone = f"{', '.join(there)}: each is there alone." if there else "None of these alone is there."
        lead = f"For {named} on {chosen.accelerator_name}: {_against(plan, planned)}"
        closing = f"{alone} 'with {named}'"
    else:
        lead, closing = "", f"'with p95 {metric.upper()} under …'"
    return (
        *paragraphs(
            drafted, lead, "Each change alone, in the busiest hour; the fleet is sized anew to the plan's targets:"
        ),
        Table(columns, rows),
        *paragraphs(f"{closing} plans for a target: the cheapest fleet that keeps it, or what stands in the way."),
    )


def _targets_in(asked: Asked, metric: Metric) -> tuple[Target, ...]:
    """Return the targets that a line names; a bare time is one of the p95 of a metric."""
    named = asked.said("targets")
    seconds = None if named else stated_s(asked.words)
    return named or ((Target(metric=metric, percentile="p95", seconds=seconds),) if seconds else ())


def _reaches(plan: CapacityPlan, target: Target) -> bool:
    return plan.peak_latency_s(target.metric, target.percentile) <= target.seconds


def each_alone(asked: Asked, change: Variation) -> Explanation:
    """Return what each value of a change would do to the plan on its own.

    Args:
        asked: the line and the plan.
        change: of several values.
    """
    plan, bill = asked.plan, asked.plan.cost.monthly_usd
    paths = [path for path, words in change.details.items() if path in change.values and words]
    changes = tuple((variant_shown(path, change.values[path]), {path: change.values[path]}, _NONE) for path in paths)
    columns = (Column("alone"), *_COLUMNS, Column("a month more", "right"))
    rows = tuple(
        (label, *_shown(found, plan), _more(found, bill))
        for label, found in (("as it is", plan), *_sketched(asked, changes))
    )
    return (*paragraphs("Each on its own; together they need not add up:"), Table(columns, rows))


def _more(found: CapacityPlan | str, bill: float | None) -> str:
    usd = None if isinstance(found, str) else found.cost.monthly_usd
    return "" if usd is None or bill is None else f"{'-' if usd < bill else '+'}{show_usd(abs(usd - bill))}"


def why_not(asked: Asked) -> Explanation | None:
    """Return why a split, a vendor, a precision, a provider or a term was not chosen; None for an accelerator."""
    if fewer := _fewer(asked):
        return fewer
    wished = re.sub(
        r"^\W*(?:and |but )?(?:why |how come )?(?:did |do |don't |didn't |isn't |is |not |you |we |it |use |on |with"
        r" |no )*",
        "with ",
        asked.words,
    )
    wished = re.sub(r"^.*\b(?:and|but|,) (?:not|no)\b", "with", wished)
    reading = asked.ports.read(wished, asked.ports.catalog, asked_path=None, known=asked.values)
    # '4-bit' is INT4 here: a question back would lose the rest of the line.
    open_formats = {one.path: one.choices[0].value for one in reading.questions if one.path.startswith("precision.")}
    values = {**open_formats, **reading.values}
    vendor = next(
        (name for name in ("amd", "intel", "google") if asked.has(name) and "hardware.accelerators" not in values), ""
    )
    if vendor:
        return _vendor(asked, vendor)
    changed = {
        path: value
        for path, value in values.items()
        if path.startswith(("serving.", "precision.", "money.")) and value not in (None, ())
    }
    if not changed or accelerators_in(asked):
        return None
    label = ", ".join(variant_shown(path, value) for path, value in changed.items())
    if set(changed) & {"serving.tensor_parallel", "serving.pipeline_parallel", "serving.expert_parallel"}:
        changed["hardware.accelerators"] = (asked.plan.chosen.accelerator,)
    if "serving.tensor_parallel" in changed:
        changed.setdefault("serving.pipeline_parallel", 1)  # TP1 in two stages would be another answer
    ((_, found),) = _sketched(asked, ((label, changed, _NONE),))
    against = _against(asked.plan, found)
    return paragraphs(f"With {label} {against[:1].lower()}{against[1:]}")


def _fewer(asked: Asked) -> Explanation | None:
    """Return what fewer machines would carry: 'why not one GPU', 'why not fewer'; None where no number is named."""
    named = accelerators_in(asked)
    if named and named != (asked.plan.chosen.accelerator,):
        return None
    if beside := None if asked.has(r"tp ?\d+|pp ?\d+") else counted(asked):
        return beside  # of another split it is no number of these replicas
    if asked.has(rf"(?:one|single|two|three|four|five|six|eight|ten|\d+)(?: \w+)? (?:{GPUS}|{NODES}|{REPLICAS})"):
        return fleet_holds(asked)
    if not asked.has("fewer|less"):
        return None
    plan, peak = asked.plan, peak_rate(asked.plan)
    left = plan.fleet.working_replicas - 1
    if not peak or left < 1:
        return paragraphs("One replica is the least: fewer accelerators hold the model in a wider split or not at all.")
    return paragraphs(
        f"One replica fewer, {left} on {left * plan.chosen.accelerators_per_replica} {accelerators_noun(plan.chosen)},"
        f" carries {calls_shown(plan, left * plan.replica_capacity.requests_per_s)} within the targets; the"
        " busiest hour asks"
        f" for {calls_shown(plan, peak)}. 'what would make it cheaper' says what lowers the number."
    )


def _against(plan: CapacityPlan, found: CapacityPlan | str) -> str:
    if isinstance(found, str):
        return f"It cannot be done: {found.removeprefix('cannot: ').removeprefix('not possible: ')}."
    peak = found.performance.at_peak
    speed = f"TTFT p95 {show_seconds(found.peak_latency_s('ttft', 'p95'))}, ITL {show_seconds(peak.itl_s.mean)}"
    if not found.answer.meets_targets:
        return f"It cannot meet the targets, however many there are: at best {speed}."
    bill = bill_beside(found, plan, " a month")
    fleet = f"{found.fleet.accelerators} × {found.chosen.accelerator_name}, {bill}; {speed}"
    mine, its = plan.cost.monthly_usd, found.cost.monthly_usd
    if mine and its and its < mine * 0.995:
        return singular(
            f"It would do, for {1 - its / mine:.0%} less: {fleet}. It was not chosen since nobody asked for it."
        )
    more = f"{its / mine - 1:.0%} more" if mine and its and its > mine * 1.005 else "no less"
    return singular(f"It would do, for {more}: {fleet}.{_each_carries(found, plan)}")


def _each_carries(found: CapacityPlan, plan: CapacityPlan) -> str:
    """Say what an accelerator carries in replicas of another split, and in the plan's; empty for the same split."""
    its, own = (split_shown(one.chosen, always="TP1") for one in (found, plan))
    if its == own or found.chosen.accelerator != plan.chosen.accelerator:
        return ""
    each = [one.replica_capacity.requests_per_s / one.chosen.accelerators_per_replica for one in (found, plan)]
    noun, gpus = (accelerators_noun(plan.chosen, count) for count in (1, plan.fleet.accelerators))
    mine = plan.performance.at_peak
    wider = found.chosen.accelerators_per_replica > plan.chosen.accelerators_per_replica
    why = " The links of a wider replica cost a part of what each carries, and it fails as a larger piece."
    return (
        f" {found.fleet.replicas} replicas of {its}, in which a {noun} carries {calls_shown(found, each[0])};"
        f" of {own} it"
        f" carries {calls_shown(plan, each[1])}, and the plan's {plan.fleet.replicas} take"
        f" {plan.fleet.accelerators} {gpus} at"
        f" TTFT p95 {show_seconds(mine.ttft_s.p95)}, ITL {show_seconds(mine.itl_s.mean)}.{why if wider else ''}"
    )


def _vendor(asked: Asked, vendor: str) -> Explanation:
    catalog = asked.ports.catalog
    names = tuple(name for name, entry in catalog.accelerators.items() if vendor in entry.vendor.lower())
    ((_, found),) = _sketched(asked, ((vendor, {"hardware.accelerators": names}, _NONE),))
    return paragraphs(f"{vendor.upper() if vendor == 'amd' else vendor.capitalize()}: {_against(asked.plan, found)}")
