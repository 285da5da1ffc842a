"""The machines of a plan: power, instances and their quota, layout, and the links between accelerators."""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import room_billed
from agent.after_plan.replies.bills.money import currency, money_shown
from agent.after_plan.replies.choices.sketched import NONE, against, newer_accelerators, sketched
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Facts, Table
from agent.report.words import accelerators_noun, fleet_shown, usd_shown
from catalogs.units import TERM_WORDS, show_bytes, show_count, show_figure, show_usd
from engine.choice.deployment.comparison import SENT_BYTES_PER_TOKEN
from engine.fleet.offers import paid_accelerators
from engine.plan import CapacityPlan, split_shown

_AMPERES: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?-?(?:a|amps?|amperes?)\b")
_KILOWATTS: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(?:kw|kilowatts?)\b", re.I)
_VOLTS: Final = re.compile(r"(?<![\w.])(\d+) ?-?(?:v|volts?)\b")


def _circuit(asked: Asked, limit_w: float) -> str:
    """Return what a circuit or a rack that the line names feeds, beside the accelerators' limit; empty for none."""
    drawn, above = "that the accelerators alone may draw", "Hosts, network and cooling come on top"
    if stated_kw := _KILOWATTS.search(asked.text):
        feeds_w = float(stated_kw[1]) * 1000
        verdict = "more than" if feeds_w > limit_w else "no more than"
        return f"{stated_kw[0]} is {verdict} the {show_figure(limit_w / 1000)} kW {drawn}. {above}."
    amperes = _AMPERES.search(asked.words)
    if amperes is None or not asked.has(r"circuits?|phases?|fuses?|breakers?|sockets?|feeds?|amps?|amperes?|supply"):
        return ""
    three = asked.has("(?:three|3)[- ]?phases?|400 ?v|415 ?v|480 ?v")
    stated = _VOLTS.search(asked.words)
    volts = float(stated[1]) if stated else 400.0 if three else 230.0
    feeds_w = float(amperes[1]) * volts * (3**0.5 if three else 1.0)
    sum = f"{'√3 × ' if three else ''}{volts:g} V × {amperes[1]} A = {show_figure(feeds_w / 1000)} kW"
    assumed = "" if stated else f", at {volts:g} V as in Europe; say 'at 208 V' for yours"
    verdict = "more than" if feeds_w > limit_w else "no more than"
    return (
        f"{sum}{assumed}: {verdict} the {show_figure(limit_w / 1000)} kW {drawn}. {above}, and codes allow a part"
        " of a circuit for steady load: an electrician decides."
    )


def power(asked: Asked) -> Explanation:
    """Return power, energy and what it costs; emissions where the grid is known."""
    plan, energy = asked.plan, asked.plan.energy
    if energy is None:
        return paragraphs(
            f"No power curve of {plan.chosen.accelerator_name} is known, so that its draw cannot be said."
        )
    accelerator = asked.ports.catalog.accelerators[plan.chosen.accelerator]
    limit_w = accelerator.power_w * plan.fleet.accelerators
    kwh = energy.kwh_per_month
    facts = [
        ("draw, mean", f"{show_figure(energy.watts / 1000)} kW"),
        (
            "accelerators' power limit",
            f"{show_figure(limit_w / 1000)} kW ({show_figure(accelerator.power_w)} W each), without hosts",
        ),
        ("energy", f"{show_count(kwh)} kWh a month, {show_count(12 * kwh)} a year"),
        ("electricity", _electricity(asked, kwh)),
        ("an output token", f"{show_figure(energy.joules_per_output_token)} J"),
        ("heat to cool", f"{show_count(energy.watts * 3.412)} BTU/h on average"),
    ]
    kg, grid = (energy.g_co2e_per_month or 400 * kwh) / 1000, "; state your own with money.grid_g_co2e_per_kwh"
    grid = "" if energy.g_co2e_per_month is not None else f" on a grid of 400 g/kWh{grid}"
    facts.append(("emissions", f"{show_count(kg)} kg CO2e a month, {show_count(12 * kg)} a year{grid}"))
    lead = f"{show_figure(energy.watts / 1000)} kW on average, {show_count(kwh)} kWh a month ({energy.basis})."
    return (
        *paragraphs(_circuit(asked, limit_w), lead),
        Facts(tuple(facts)),
        *(_power_elsewhere(asked) if asked.has(_OTHER_CARDS) else ()),
        *paragraphs("'with at most 20 kW' plans for a limit of power."),
    )


_OTHER_CARDS: Final = r"green\w*|fewer|bigger|larger|newer|other (?:gpus|cards)|compared?|less|weniger|moins|menos"
_KWH_PRICE: Final = re.compile(
    r"(\d+(?:[.,]\d+)?) ?(ct\b|cents?\b|c\b)?[^\d.;?]{0,12}?(?:/|\bper|\ba|\bje|\bpro|\bpar|\bpor) ?(?:kwh|kilowatt)"
)


def _electricity(asked: Asked, kwh: float) -> str:
    """Return what a month's energy costs, at the price of a kWh that a line states or at the plan's."""
    stated = _KWH_PRICE.search(asked.words)
    price = (
        float(stated[1].replace(",", ".")) / (100 if stated[2] else 1) if stated else asked.plan.spec.money.usd_per_kwh
    )
    code = currency(asked)[0] if stated else "USD"
    a_month, each = (money_shown(amount, code) for amount in (kwh * price, price))
    return f"{a_month} a month at {each} per kWh; part of the rent where it is rented"


def _power_elsewhere(asked: Asked) -> Explanation:
    """Return what the same load draws on newer accelerators."""
    plan, changes = asked.plan, newer_accelerators(asked.plan)
    rows = tuple(
        (
            label,
            f"{one.fleet.accelerators} × {one.chosen.accelerator_name}",
            f"{show_figure(one.energy.watts / 1000)} kW",
            show_count(one.energy.kwh_per_month),
        )
        for label, one in (("as it is", plan), *sketched(asked, changes))
        if isinstance(one, CapacityPlan) and one.energy and one.answer.meets_targets
    )
    columns = (Column("with"), Column("fleet"), Column("draw, mean", "right"), Column("kWh a month", "right"))
    return (Table(columns, rows),)


def instance(asked: Asked) -> Explanation:
    """Return whose instances, which, where, how many and on which terms."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    provider = asked.said("money.provider")
    if provider and (offer is None or provider != offer.provider):
        there = asked.sketch(
            {"money.provider": provider, "hardware.accelerators": (plan.chosen.accelerator,)},
            frozenset({"money.region"}),
        )
        if not isinstance(there, CapacityPlan) or there.chosen.offer is None:
            return paragraphs(
                f"{provider} has no instance of {plan.chosen.accelerator_name} that I know; 'is it cheaper on"
                f" {provider}' says what it has instead."
            )
        plan, offer = there, there.chosen.offer
    if offer is None:
        return paragraphs(f"{fleet_shown(plan)}; {plan.cost.note or 'no offer of it is known'}.")
    lead = (
        f"{plan.fleet.instances} × {offer.instance} of {offer.provider}{f' in {offer.region}' if offer.region else ''},"
        f" {offer.accelerators} × {plan.chosen.accelerator_name} in each, {TERM_WORDS[offer.term]} at"
        f" {show_usd(offer.usd_per_hour)} an hour (price of {offer.checked or 'yours'})."
    )
    quota = quota_shown(replace(asked, plan=plan))
    if asked.has(_QUOTA):
        return paragraphs(_vcpus_hold(asked), quota, lead, room_billed(plan))
    return paragraphs(lead, room_billed(plan), quota)


_QUOTA: Final = (
    r"quotas?|limits?|reserv\w*|request|tickets?|capacity block|ask|order|file|increase|kontingent|cupo|クォータ"
)


def _vcpus(asked: Asked) -> int | None:
    """Return the vCPUs of one of the plan's instances, where its provider counts a quota in them."""
    offer = asked.plan.chosen.offer
    provider = asked.ports.catalog.providers.get(offer.provider) if offer else None
    return provider.vcpus.get(offer.instance.lower()) if offer and provider else None


def _vcpus_hold(asked: Asked) -> str:
    """Return how many of the plan's instances a number of vCPUs allows; empty where the line names none."""
    offer, found = asked.plan.chosen.offer, re.search(r"(?<![\w.])(\d[\d,]*) ?v?cpus?\b", asked.words)
    each = _vcpus(asked)
    if found is None or offer is None or not each:
        return ""
    allowed = int(found[1].replace(",", "")) // each
    enough = "enough" if allowed >= asked.plan.fleet.instances else "not enough"
    return (
        f"{found[1]} vCPUs allow {allowed} {offer.instance} of {each} vCPUs, {allowed * offer.accelerators}"
        f" {accelerators_noun(asked.plan.chosen)}: {enough} for the plan's {asked.plan.fleet.instances}. vCPUs are no"
        " GPUs; ask for more, in another region too, or take a provider without that quota ('on azure')."
    )


def quota_shown(asked: Asked) -> str:
    """Return how many accelerators to ask a provider for: in whole instances, and those that run among them."""
    plan = asked.plan
    fleet, noun = plan.fleet, accelerators_noun(plan.chosen)
    most = paid_accelerators(plan.chosen, fleet.maximum_replicas)
    whole = (
        f", in whole instances, of which {fleet.maximum_accelerators} run" if most > fleet.maximum_accelerators else ""
    )
    scaled = ", which is the most that it scales to" if fleet.maximum_replicas > fleet.replicas else ""
    offer = plan.chosen.offer
    count = f" ({most // offer.accelerators} × {offer.instance})" if offer and offer.accelerators > 1 else ""
    vcpu = ""
    if offer and count:
        each = _vcpus(asked)
        rule = f"{most // offer.accelerators} × {each}, {most // offer.accelerators * each}" if each else ""
        vcpu = f" A quota that counts vCPUs: {rule or 'those of an instance, which its page lists, × that number'}."
    return f"Ask for a quota of {most} {noun}{count}{whole}{scaled}.{vcpu}"


def fleet(asked: Asked) -> Explanation:
    """Return the fleet in a sentence, and how a replica is laid out."""
    plan, chosen = asked.plan, asked.plan.chosen
    counts = plan.fleet
    lead, spare = f"{plan.answer.sentence.rstrip('.')}.", plan.spec.availability.spare_replicas
    gpus = f"{spare * chosen.accelerators_per_replica} {accelerators_noun(chosen)}"
    spares = f"{spare} of the replicas are spares, {gpus}." if spare else "No spare is among them: 'N+1' adds one."
    layout = (
        f"{counts.accelerators} {accelerators_noun(chosen)} = {counts.replicas} replicas ×"
        f" {chosen.accelerators_per_replica} ({split_shown(chosen)}), weights in {chosen.precision.weights.upper()}, KV"
        f" cache in {chosen.precision.kv_cache.upper()}, on {chosen.runtime} {chosen.runtime_version}. At night"
        f" {counts.minimum_replicas} replicas, at most {counts.maximum_replicas}. {spares}"
    )
    bill = f"{usd_shown(plan.cost.monthly_usd)} a month. 'why so many GPUs' has the sum."
    return paragraphs(lead, layout, room_billed(plan), bill)


def _on_pcie(asked: Asked) -> str:
    """Say what the same load takes on the PCIe form of the plan's accelerator; empty where there is none."""
    catalog, chosen = asked.ports.catalog, asked.plan.chosen
    form = next(
        (one for one in catalog.accelerators if one == re.sub(r"-(?:sxm|hgx|oam)-", "-pcie-", chosen.accelerator)), ""
    )
    if not form or form == chosen.accelerator:
        return ""
    ((_, found),) = sketched(asked, (("", {"hardware.accelerators": (form,)}, NONE),))
    return f" On {catalog.accelerators[form].name}, whose memory is slower too: {against(asked.plan, found)}"


def interconnect(asked: Asked) -> Explanation:
    """Return what links the plan relies on, within and between nodes."""
    plan, chosen = asked.plan, asked.plan.chosen
    accelerator = asked.ports.catalog.accelerators[chosen.accelerator]
    size, node = chosen.accelerators_per_replica, accelerator.per_node
    link = accelerator.link
    if size == 1:
        text = (
            f"No: a replica is one {chosen.accelerator_name}, so that nothing is exchanged between accelerators, and"
            " PCIe will do."
        )
    elif size <= node:
        text = (
            f"A replica is {split_shown(chosen)} within one node. The plan reckons with {link.kind} at"
            f" {show_figure(link.gb_per_s)} GB/s each way; over a slower link each step takes longer. No InfiniBand:"
            f" replicas exchange nothing.{_on_pcie(asked)}"
        )
    else:
        text = (
            f"A replica spans {-(-size // node)} nodes: it needs {link.kind} within them and"
            f" {show_figure(accelerator.inter_node_gb_per_s)} GB/s per accelerator between them (InfiniBand or RoCE)."
        )
    tokens, rate = plan.spec.tokens, plan.spec.traffic.requests_per_s or 0.0
    egress = (
        f"To the users go some {show_bytes(rate * tokens.output.mean * SENT_BYTES_PER_TOKEN)} a second, at about"
        f" {SENT_BYTES_PER_TOKEN:g} bytes for a streamed token; in front stands a load balancer that routes to the"
        " replica with the least requests in flight."
    )
    return paragraphs(text, egress if rate else "")
