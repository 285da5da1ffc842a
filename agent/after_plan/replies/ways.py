"""Other ways to pay for the plan's service, training on its model, and batches: the functions behind the commands."""

import re
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.bills.own_price import SELLERS, own_price, prices_of_both
from agent.after_plan.replies.load import GPUS
from agent.after_plan.sums import Explanation
from agent.interpret.wishes import NOT_OPEN
from agent.report.blocks import Column, Table
from agent.report.cost.batch_report import batch_report
from agent.report.cost.comparison_report import break_even_shown, rented_at
from agent.report.cost.training_report import training_report
from agent.report.words import accelerators_noun, calls_shown, unknown_bill
from agent.statements.costs.batches import batch_in
from catalogs.catalog import Catalog
from catalogs.errors import AmbiguousName, InputError, UnknownName
from catalogs.records.api_prices import ApiModel
from catalogs.units import MULTIPLIERS, SECONDS_PER_MONTH, show_count, show_figure, show_percent, show_rate, show_usd
from engine.choice.deployment.api import hosts_of
from engine.choice.deployment.batch import batch_plan
from engine.choice.deployment.bills import Bill
from engine.choice.deployment.comparison import Comparison, ComparisonSettings, comparison
from engine.choice.deployment.owning import Ownership, ownership_of
from engine.training.budget import TrainingQuestion, training_budget
from engine.training.memory import Method, TrainingSetup

USUAL_APIS: Final = ("gpt-4o-mini", "claude-haiku-4-5")
"""Beside the cheapest host of the same model, where a line names no API."""
LONGEST_NAME: Final = 4
"""Words in the name of a model."""
FAMILIES: Final = ("claude ", "gemini ", "gpt ")
"""Models that are named without a number too."""
_TOKENS: Final = re.compile(r"(\d[\d,.]*) ?(k|m|b|t|thousand|million|billion|trillion)? ?(?:training )?tok(?:en)?s?\b")


_EXAMPLES: Final = re.compile(
    r"(?<![\w.])(\d[\d,.]*) ?(k)? (?:\w+ )?"
    r"(?:pairs?|examples?|tickets?|documents?|docs|conversations?|samples?|rows?|chats?)\b"
)


def own_or_rent(asked: Asked) -> Explanation:
    """Return owning beside every term of renting over the years that are asked, else those of the plan."""
    years = float(asked.count_of("years?|yrs?") or asked.plan.spec.money.amortisation_years)
    terms, priced = _bought(asked, years)
    found = _compared(asked, ComparisonSettings(ownership=terms, edge=False, other_costs=False))
    if isinstance(found, tuple):
        return found
    rows = tuple(
        (bill.title, show_usd(bill.monthly_usd), show_usd(bill.yearly_usd * years), _once(bill.one_off_usd))
        for bill in found.feasible
    )
    columns = (Column("way"), *Column.figures("monthly", f"{years:g} years", "once"))
    own = next(bill for bill in found.bills if bill.mode == "own")
    rent = next(bill for bill in found.bills if bill.mode == "rent")
    if own.infeasible:
        lead = f"Owning cannot be reckoned: {own.infeasible}; say your own as '$1.20 per GPU-hour' and compare."
    elif rent.infeasible:
        lead = f"Owning costs {show_usd(own.monthly_usd)} a month; {rent.infeasible}."
    else:
        less = own.monthly_usd < rent.monthly_usd
        lead = (
            f"Over {years:g} years owning costs {show_usd(own.yearly_usd * years)}, {'less' if less else 'more'} than "
            f"the {show_usd(rent.yearly_usd * years)} of renting on demand: capital at 8 % a year, power, hosting, "
            "upkeep and staff are in it."
        )
    evens = [break_even_shown(one) for one in found.break_evens if one.cheaper == "own"]
    return (
        *paragraphs(_rest_rented(asked), priced, _paid_back(own, rent), lead, *evens),
        Table(columns, rows),
        *paragraphs(
            "Of a saved plan `fleetcast costs plan.json --mode own --no-other-costs` has the bill by line, and flags"
            f" for it.{rented_at(found)} What stands beside the machines, such as a load balancer, is in neither."
        ),
    )


_OURS: Final = r"(?:we|i) (?:already )?(?:own|have)|ours|our own|are mine|already (?:own|have)|wir haben|gehören uns"


def _rest_rented(asked: Asked) -> str:
    """Return what is left to rent, where a line says how many accelerators are there already; else nothing."""
    plan = asked.plan
    counted = re.search(rf"\b(\d{{1,4}}) ?x? (?:of (?:the|these|our) )?(?:{GPUS}|[abh]\d{{2,3}}s?)\b", asked.figures)
    owned = int(counted[1]) if counted else 0
    if not owned or not asked.has(_OURS) or not asked.has(r"rest|others?|remaining|rent\w*|top ?up"):
        return ""
    there = min(owned // plan.chosen.accelerators_per_replica, plan.fleet.replicas)
    left = Resized(plan, plan.fleet.replicas - there)
    carry = f"{owned} of yours hold {there} replicas, {calls_shown(plan, there * plan.replica_capacity.requests_per_s)}"
    if not left.replicas:
        return f"{carry}: that is the whole fleet, and nothing is left to rent."
    return (
        f"{carry}; the other {left.replicas} replicas are {left.accelerators} {accelerators_noun(plan.chosen)} to rent,"
        f" {left.billed} billed in whole instances{left.bill_in_place}. What yours cost to run is not in it."
    )


def _bought(asked: Asked, years: float) -> tuple[Ownership, str]:
    """Return what owning rests on, at the price that the line states or at the catalog's, and a sentence on which."""
    accelerator = asked.ports.catalog.accelerators[asked.plan.chosen.accelerator]
    terms = ownership_of(asked.plan.spec.money, years=years)
    stated = own_price(asked.text, asked.plan, accelerator.per_node)
    if stated is None or stated.hours is not None:
        if accelerator.purchase_usd is None:
            return terms, ""
        price = show_usd(accelerator.purchase_usd)
        said = f"At {price} for one {accelerator.name} ({accelerator.source}); 'a box is 280k' takes yours."
        return terms, said
    each = show_usd(stated.usd_per_accelerator)
    if stated.accelerators == 1:
        said = f"At your {each} for one {accelerator.name}, hosts and network on top."
        return replace(terms, purchase_usd=stated.usd), said
    said = f"At your {show_usd(stated.usd)} for a machine of {stated.accelerators}, hosts in it: {each} per GPU."
    return replace(terms, purchase_usd=stated.usd_per_accelerator, host_share=0.0), said


def _paid_back(own: Bill, rent: Bill) -> str:
    """Return after how many months what is bought has cost less than renting; empty where either cannot be."""
    if own.infeasible or rent.infeasible:
        return ""
    running = sum(line.usd for line in own.lines if line.kind == "running")
    once = f"{show_usd(own.one_off_usd)} once and {show_usd(running)} a month to run it"
    if running >= rent.monthly_usd:
        return f"Never paid back: {once}, and renting costs {show_usd(rent.monthly_usd)} a month."
    months = own.one_off_usd / (rent.monthly_usd - running)
    rented = f"{show_usd(rent.monthly_usd)} of renting on demand"
    return f"Paid back after {show_figure(months)} months: {once}, against {rented}."


def _once(usd: float) -> str:
    return show_usd(usd) if usd else ""


def api_or_self(asked: Asked) -> Explanation:
    """Return the plan's bill beside APIs that answer the same calls, and the rate from which the fleet pays."""
    plan = asked.plan
    if plan.cost.monthly_usd is None:
        return paragraphs(unknown_bill(plan.cost))
    if not plan.spec.traffic.requests_per_s:
        return paragraphs("Without a rate there is no bill to compare; ask again with one, such as '10 rps'.")
    apis = _apis_in(asked)
    found = _compared(asked, ComparisonSettings(apis=apis, edge=False, other_costs=False))
    if isinstance(found, tuple):
        return found
    wanted = [bill for bill in found.feasible if bill.mode in ("rent", "own", "api", "overflow")]
    columns = (Column("way"), Column("monthly", "right"), Column("1M paid", "right"), Column("1M used", "right"))
    rows = tuple(
        (
            bill.title,
            show_usd(bill.monthly_usd),
            show_usd(bill.reservation_usd_per_million or 0.0),
            show_usd(bill.usage_usd_per_million or 0.0),
        )
        for bill in wanted
    )
    evens = [
        break_even_shown(one) for one in found.break_evens if one.other.startswith("API") and one.cheaper == "rent"
    ]
    long = [bill for bill in found.bills if bill.mode == "api" and bill.infeasible]
    return (
        *paragraphs(*_closed(asked), _unpriced(asked), _at_price(asked)),
        Table(columns, rows),
        *paragraphs(
            *evens,
            *(f"{bill.title}: {bill.infeasible}." for bill in long),
            f"Prices of APIs are of {max(price.checked for price in found.prices)}; their latency, their limits of "
            f"rate and how well they answer are not known here.{rented_at(found)}",
        ),
    )


def _unpriced(asked: Asked) -> str:
    """Say of each seller that a line names and whose prices are not known that it is not in the table."""
    named = list(dict.fromkeys(match[0] for match in SELLERS.finditer(asked.text)))
    known = {one.provider for one in asked.ports.catalog.api_models.values()}
    named = [name for name in named if name.lower() not in known]
    if not named or prices_of_both(asked.text):
        return ""
    return (
        f"What {' and '.join(named)} asks is not known here: say its prices, as in '{named[0]} at $0.60 in / $0.80 out"
        " per million', and it stands in the comparison. Of those that are known:"
    )


def _closed(asked: Asked) -> list[str]:
    """Return for each closed model that the line names why a fleet cannot serve it."""
    return [
        f"{note.replace(' is not used: ', ' cannot run on a fleet of yours: ')}. What its API would cost is below."
        for note in asked.reading().notes
        if NOT_OPEN in note
    ]


def _at_both(asked: Asked, theirs: tuple[float, float]) -> str:
    """Say what an API with a price of prompts and one of answers bills for the plan's load, and where the two meet."""
    plan, tokens, traffic = asked.plan, asked.plan.spec.tokens, asked.plan.spec.traffic
    rate, monthly = traffic.requests_per_s or 0.0, plan.cost.monthly_usd or 0.0
    million = rate * traffic.calls_per_request * SECONDS_PER_MONTH / 1e6
    read, written = million * tokens.input.mean * theirs[0], million * tokens.output.mean * theirs[1]
    if not read + written:
        return ""
    even, most = rate * monthly / (read + written), plan.answer.holds_to_requests_per_s / traffic.peak_factor
    where = (
        f"the fleet is cheaper above {show_rate(even)} on average, "
        + ("which it carries" if even <= most else f"but it carries {show_rate(most)}")
    )  # fmt: skip
    return (
        f"That API would bill {show_usd(read + written)} a month at the mean rate of {show_rate(rate)}:"
        f" {show_usd(read)} for prompts and {show_usd(written)} for answers, at {show_usd(theirs[0])} and"
        f" {show_usd(theirs[1])} per million tokens, nothing off for cached prompts. This fleet costs"
        f" {show_usd(monthly)}; {where}."
    )


def _at_price(asked: Asked) -> str:
    """Say what a price per million tokens that the line names would mean."""
    if both := prices_of_both(asked.text):
        return _at_both(asked, both)
    given = re.search(r"\$ ?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?) ?(?:dollars?|usd|\$)", asked.words)
    prices, rate = asked.plan.cost.usd_per_million_tokens, asked.plan.spec.traffic.requests_per_s
    if prices is None or not rate:
        return ""
    if not given:
        return (
            f"This fleet comes to {show_usd(prices.blended)} per million tokens, prompts and answers together, at the"
            f" mean rate of {show_rate(rate)}; the others for the same calls, a month:"
        )
    theirs = float(given[1] or given[2])
    return (
        f"This fleet comes to {show_usd(prices.blended)} per million tokens, prompts and answers together; at "
        f"{show_usd(theirs)} per million elsewhere, self-hosting is cheaper above "
        f"{show_rate(rate * prices.blended / theirs)} on average, as far as the fleet carries it "
        f"({show_rate(asked.plan.answer.holds_to_requests_per_s / asked.plan.spec.traffic.peak_factor)})."
    )


def _apis_in(asked: Asked) -> tuple[ApiModel, ...]:
    """Return the APIs that a line names, else the cheapest host of the same model and usual ones."""
    catalog, words = asked.ports.catalog, [word.strip("?!.,;:()") for word in asked.words.split()]
    named: dict[str, ApiModel] = {}
    taken = 0
    for start in range(len(words)):
        for end in range(min(len(words), start + LONGEST_NAME), max(start, taken), -1):
            text = " ".join(words[start:end])
            found = _api(text, catalog) if re.search(r"\d", text) or text.startswith(FAMILIES) else None
            if found is not None and start >= taken:
                named.setdefault(found.id, found)
                taken = end
                break
    if named:
        return tuple(named.values())
    providers = [one for one in catalog.api_models.values() if asked.has(re.escape(one.provider))]
    usual = [catalog.api_model(name) for name in USUAL_APIS]
    chosen = [one for one in usual if one in providers] or providers[:2] or usual
    return (*hosts_of(asked.plan.spec.model, catalog)[:1], *chosen)


def _api(text: str, catalog: Catalog) -> ApiModel | None:
    """Return the API model that a name means, of several the one with the highest version; None where it means none."""
    try:
        return catalog.api_model(text)
    except AmbiguousName as several:
        newest = max(several.hits, key=lambda hit: [float(number) for number in re.findall(r"\d+(?:\.\d+)?", hit)])
        return catalog.api_models[newest]
    except UnknownName:
        return None


def _compared(asked: Asked, settings: ComparisonSettings) -> Comparison | Explanation:
    try:
        return comparison(asked.plan, asked.ports.catalog, settings)
    except InputError as error:
        return paragraphs(f"That cannot be reckoned: {error}.")


def training(asked: Asked) -> Explanation:
    """Return what training or fine-tuning the plan's model takes on its accelerators; LoRA unless the line says."""
    catalog, plan = asked.ports.catalog, asked.plan
    match, examples, noted = _TOKENS.search(asked.words), _EXAMPLES.search(asked.figures), ""
    number = float(match[1].replace(",", "")) * MULTIPLIERS.get(match[2] or "", 1.0) if match else 0.0
    if match is None and examples:
        each, both = (
            plan.spec.tokens,
            2 if asked.has("dpo|pairs?|preferences?") else 1,
        )  # of an answer taken and one not
        count = float(examples[1].replace(",", "")) * (1000 if examples[2] else 1)
        number = count * both * (each.input.mean + each.output.mean)
        tokens = f"{show_count(number)} tokens an epoch; say '100M tokens' for yours"
        noted = f"{examples[0]} of the plan's lengths are {tokens}."
    if not number:
        share = plan.cost.idle_share
        idle = (
            f"{show_percent(share)} of the GPU-hours are idle on average, most of them at night: how quiet yours are"
            " was not said. A job there has to stop when requests return, and the autoscaler would rather give those"
            " machines back, which saves their rent."
            if share and asked.has("idle|night|overnight|quiet|spare|same fleet|weekends?")
            else ""
        )
        return paragraphs(
            idle,
            "On how many tokens? Ask 'fine-tune it on 1B tokens', 'full fine-tuning on 500M tokens', 'QLoRA on 100M "
            "tokens' or 'train it on 15T tokens'. A tuned model is served as its base model is.",
        )
    method: Method = "lora"
    if asked.has("qlora|4-?bit"):
        method = "qlora"
    elif asked.has("full|all weights|pre-?train(?:ing)?|from scratch|train (?:it|a|the|our)") and not asked.has("lora"):
        method = "full"
    question = TrainingQuestion(
        model=plan.spec.architecture or catalog.model(plan.spec.model).model,
        accelerator=catalog.accelerator(plan.chosen.accelerator),
        tokens=number,
        setup=TrainingSetup(method),
        money=plan.spec.money,
    )
    try:
        budget = training_budget(question, catalog)
    except InputError as error:
        return paragraphs(f"That cannot be trained: {error}.")
    kept = [block for block in training_report(budget).blocks if isinstance(block, Table)][:1]
    low, high = show_figure(budget.accelerator_hours_low), show_figure(budget.accelerator_hours_high)
    lead = training_report(budget).blocks[0]
    return (
        *paragraphs(noted),
        lead,
        *kept,
        *paragraphs(
            f"{budget.fewest_accelerators} × {budget.accelerator} hold it; {low} to {high} accelerator-hours at the "
            "utilisation of published runs. `fleetcast train` has memory, checkpoints and other sizes."
        ),
    )


def batch(asked: Asked) -> Explanation:
    """Return what a batch takes on a fleet of its own, spot first, APIs beside it; empty without a deadline."""
    found = batch_in(asked.text, datetime.now())
    if found is None:
        return ()
    work, _ = found
    apis = [asked.ports.catalog.api_model(name) for name in USUAL_APIS]
    spec = asked.plan.spec
    try:
        plan = batch_plan(spec, work.requests, work.deadline_s, asked.ports.catalog, apis)
    except InputError as error:
        return paragraphs(f"A fleet of its own cannot be reckoned: {error}.")
    return (*paragraphs("On a fleet of its own:"), *batch_report(plan).blocks)
