"""`fleetcast costs`: every way to pay for a service: rent, spot, reserved, own, one device, APIs, mixtures."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.fields.field import Flag
from agent.fields.readers import read_choice, read_names, read_not_negative, read_positive, read_years
from agent.statements.flags import flags_without
from catalogs.errors import InputError, quoted
from catalogs.units import read_percentage, read_share, read_tokens, read_usd
from commands.asking import asked, planned
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.forecast import Sentence
from commands.options import App, Directories, Spec
from commands.showing import Shape, exit_code, left_out, show_as

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalogs.catalog import Catalog
    from engine.choice.deployment.comparison import ComparisonSettings
    from engine.workload import WorkloadSpec

app = App()

DEFAULT_APIS = "gpt-4o-mini,claude-haiku-4-5"
"""APIs beside a service for which nobody named one, after the cheapest host of the same model."""

Api = Annotated[str | None, typer.Option(metavar="NAMES", help="APIs beside it: gpt-4o,claude-sonnet-4; or none.")]
Share = Annotated[str | None, typer.Option("--api-share", metavar="30%", help="Of the requests, to the first API.")]
Beyond = Annotated[str | None, typer.Option("--api-beyond", metavar="N", help="Longer prompts go to the first API.")]
Mode = Annotated[str | None, typer.Option(metavar="WAY", help="One way's bill in full: rent, spot, mix, own, api, …")]
NoOther = Annotated[bool, typer.Option("--no-other-costs", help="Without load balancer, monitoring, storage, egress.")]

_OWNING: Final = (
    Flag("years", "--years", read_years, "YEARS", "Over which it is paid off, and totals are taken; 3."),
    Flag("discount_rate", "--discount-rate", read_percentage, "8%", "What the money would bring elsewhere."),
    Flag("residual_share", "--residual", read_share, "15%", "Of the price, left at the end."),
    Flag("pue", "--pue", read_positive, "1.54", "Power of the building over that of the servers."),
    Flag("hosting_usd_per_kw_month", "--hosting", read_not_negative, "USD", "Space and cooling for each kW and month."),
    Flag("staff_usd_per_month", "--staff", read_usd, "USD", "One person a month, for 50 nodes."),
    Flag("usd_per_kwh", "--electricity", read_not_negative, "USD", "A kWh."),
)
"""Of ``engine.choice.deployment.owning.Ownership``, by its fields."""


_WITHOUT: Final = ("traffic.surge", "traffic.growth", "traffic.horizon")
"""A surge of seconds, which no bill holds, and later fleets: bills are of today's load."""


@app.command("costs", flags={"Owning": _OWNING, **flags_without(*_WITHOUT)})
def costs_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    api: Api = None,
    api_share: Share = None,
    api_beyond: Beyond = None,
    mode: Mode = None,
    no_other_costs: NoOther = False,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """What a service costs in every way: rented on each term, owned, on one device, behind an API, mixed.

    Where each way begins to pay is a rate with its band. --mode shows one bill line by line.
    """
    question, facts = asked(sentence, spec, catalog, flags, _WITHOUT)
    settings = _settings(question.spec, facts, texts_of(flags), api, (api_share, api_beyond), not no_other_costs)
    from agent.report.cost.comparison_report import bill_report, bill_tree, comparison_report, comparison_tree
    from engine.choice.deployment.comparison import comparison

    if (plan := planned(question, facts, shape)) is None:
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
        left_out(["The targets are missed by the plan that is priced."])
    return exit_code(plan)


def _settings(
    spec: "WorkloadSpec",
    facts: "Catalog",
    owning: "Mapping[str, tuple[str, ...]]",
    api: str | None,
    to_api: tuple[str | None, str | None],
    other_costs: bool,
) -> "ComparisonSettings":
    from engine.choice.deployment.api import hosts_of
    from engine.choice.deployment.comparison import ComparisonSettings
    from engine.choice.deployment.owning import ownership_of

    given = {
        flag.path: flag.read(owning[flag.flag][-1], flag.flag) for flag in _OWNING if flag.read and flag.flag in owning
    }
    if (pue := given.get("pue", 1.54)) < 1:
        raise InputError(f"--pue {pue:g} is below 1: a building takes no less than its servers")
    names = read_names(DEFAULT_APIS if api is None else api, "--api") if api is None or api.strip() != "none" else ()
    host = hosts_of(spec.model, facts)[:1] if api is None else ()
    share, beyond = to_api
    for flag, text in (("--api-share", share), ("--api-beyond", beyond)):
        if text is not None and not names:
            raise InputError(f"{flag} {quoted(text)} needs an API to go to: give --api")
    return ComparisonSettings(
        apis=(*host, *(facts.api_model(name) for name in names)),
        ownership=ownership_of(spec.money, **given),
        api_beyond=None if beyond is None else float(read_tokens(beyond, "--api-beyond")),
        api_share=None if share is None else read_share(share, "--api-share"),
        other_costs=other_costs,
    )
