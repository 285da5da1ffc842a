"""`fleetcast costs`: every way to pay for a service: rent, spot, reserved, own, one device, APIs, mixtures."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agent.fields.readers import read_choice, read_names, read_not_negative, read_positive, read_years
from agent.statements.flags import FLAGS
from catalogs.errors import InputError, quoted
from catalogs.units import read_percentage, read_share, read_tokens, read_usd
from commands.asking import asked
from commands.failures import Exit
from commands.flag_options import OnlyWhatIsGiven, signature_with_flags
from commands.forecast import Sentence
from commands.options import App, Csv, Directories, Json, Plain, Spec
from commands.showing import Shape, exit_code, notice, show_as, show_no_plan

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from engine.choice.deployment.comparison import ComparisonSettings

app = App()

DEFAULT_APIS = "gpt-4o-mini,claude-haiku-4-5"
"""APIs beside a service for which nobody named one, after the cheapest host of the same model."""
_own = partial(typer.Option, rich_help_panel="Owning")

Api = Annotated[str | None, typer.Option(metavar="NAMES", help="APIs beside it: gpt-4o,claude-sonnet-4; or none.")]
Share = Annotated[str | None, typer.Option("--api-share", metavar="30%", help="Of the requests, to the first API.")]
Beyond = Annotated[str | None, typer.Option("--api-beyond", metavar="N", help="Longer prompts go to the first API.")]
Mode = Annotated[str | None, typer.Option(metavar="WAY", help="One way's bill in full: rent, spot, mix, own, api, …")]
NoOther = Annotated[bool, typer.Option("--no-other-costs", help="Without load balancer, monitoring, storage, egress.")]
Years = Annotated[str | None, _own(metavar="YEARS", help="Over which it is paid off, and totals are taken; 3.")]
Discount = Annotated[str | None, _own("--discount-rate", metavar="8%", help="What the money would bring elsewhere.")]
Residual = Annotated[str | None, _own(metavar="15%", help="Of the price, left at the end.")]
Pue = Annotated[str | None, _own(metavar="1.54", help="Power of the building over that of the servers.")]
Hosting = Annotated[str | None, _own(metavar="USD", help="Space and cooling for each kW and month.")]
Staff = Annotated[str | None, _own(metavar="USD", help="One person a month, for 50 nodes.")]
Electricity = Annotated[str | None, _own(metavar="USD", help="A kWh.")]


def costs_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    api: Api = None,
    api_share: Share = None,
    api_beyond: Beyond = None,
    mode: Mode = None,
    no_other_costs: NoOther = False,
    years: Years = None,
    discount_rate: Discount = None,
    residual: Residual = None,
    pue: Pue = None,
    hosting: Hosting = None,
    staff: Staff = None,
    electricity: Electricity = None,
    json: Json = False,
    csv: Csv = False,
    plain: Plain = False,
    **flags: list[str] | None,
) -> int:
    """What a service costs in every way: rented on each term, owned, on one device, behind an API, mixed.

    Where each way begins to pay is a rate with its band. --mode shows one bill line by line.
    """
    shape = Shape(json=json, csv=csv, plain=plain)
    owning = {
        "--years": years, "--discount-rate": discount_rate, "--residual": residual, "--pue": pue,
        "--hosting": hosting, "--staff": staff, "--electricity": electricity,
    }  # fmt: skip
    question, facts = asked(sentence, spec, catalog, flags)
    settings = _settings(
        facts, owning, DEFAULT_APIS if api is None else api, (api_share, api_beyond), not no_other_costs
    )
    if api is None:
        settings = _with_host(settings, question.spec.model, facts)
    from agent.report.cost.comparison_report import bill_report, bill_tree, comparison_report, comparison_tree
    from engine.choice.deployment.comparison import comparison
    from engine.method import forecast
    from engine.plan import NoPlan

    plan = forecast(question.spec, facts, sources=question.sources, verify=False)
    if isinstance(plan, NoPlan):
        show_no_plan(plan, plain=plain)
        return Exit.NOTHING_MEETS
    found = comparison(plan, facts, settings)
    if mode is not None:
        modes = tuple(dict.fromkeys(bill.mode for bill in found.bills))
        wanted = read_choice(mode, "--mode", modes)
        bill = next(bill for bill in found.bills if bill.mode == wanted)
        show_as(bill_report(plan, bill), bill_tree(bill), shape, "Bill")
    else:
        show_as(comparison_report(plan, found, settings.ownership.years), comparison_tree(plan, found), shape, "Ways")
    if not plan.answer.meets_targets:
        notice(["The targets are missed by the plan that is priced."])
    return exit_code(plan)


def _with_host(settings: "ComparisonSettings", model: str, facts: "Catalog") -> "ComparisonSettings":
    from msgspec.structs import replace

    from engine.choice.deployment.api import hosts_of

    return replace(settings, apis=(*hosts_of(model, facts)[:1], *settings.apis))


def _settings(
    facts: "Catalog", owning: dict[str, str | None], apis: str, to_api: tuple[str | None, str | None], other_costs: bool
) -> "ComparisonSettings":
    from engine.choice.deployment.comparison import ComparisonSettings
    from engine.choice.deployment.owning import Ownership

    readers = {
        "--years": ("years", read_years),
        "--discount-rate": ("discount_rate", read_percentage),
        "--residual": ("residual_share", read_share),
        "--pue": ("pue", read_positive),
        "--hosting": ("hosting_usd_per_kw_month", read_not_negative),
        "--staff": ("staff_usd_per_month", read_usd),
        "--electricity": ("usd_per_kwh", read_not_negative),
    }
    given = {readers[flag][0]: readers[flag][1](text, flag) for flag, text in owning.items() if text is not None}
    if (pue := given.get("pue", 1.54)) < 1:
        raise InputError(f"--pue {pue:g} is below 1: a building takes no less than its servers")
    names = () if apis.strip() == "none" else read_names(apis, "--api")
    share, beyond = to_api
    for flag, text in (("--api-share", share), ("--api-beyond", beyond)):
        if text is not None and not names:
            raise InputError(f"{flag} {quoted(text)} needs an API to go to: give --api")
    return ComparisonSettings(
        apis=tuple(facts.api_model(name) for name in names),
        ownership=Ownership(**given),
        api_beyond=None if beyond is None else float(read_tokens(beyond, "--api-beyond")),
        api_share=None if share is None else read_share(share, "--api-share"),
        other_costs=other_costs,
    )


costs_command.__signature__ = signature_with_flags(costs_command, FLAGS)  # type: ignore[attr-defined]
app.command("costs", cls=OnlyWhatIsGiven)(costs_command)
