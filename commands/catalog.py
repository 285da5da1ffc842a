"""`fleetcast catalog`: the facts, listed or one by one, with their sources."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from catalogs.catalog import Catalog
from catalogs.errors import AmbiguousName, InputError
from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Record
from catalogs.records.models import ModelArchitecture
from commands.catalogs_of_user import user_catalogs, user_directories
from commands.completion import names_completed
from commands.failures import Exit
from commands.options import App, Csv, Directories
from commands.progress import progress
from commands.showing import Shape, print_rows, show, show_as

_Kind = TypeVar("_Kind", bound=Record)

REFRESHED = "refreshed_prices.toml"
"""The file of the user's directory that `prices refresh` writes anew each time."""

app = App(no_args_is_help=True, help="List the facts of the catalog, show one with its source, or check your own.")


def _name(kind: str) -> Any:
    return typer.Argument(help="Show what this names, with its source.", autocompletion=names_completed(kind))


AcceleratorsName = Annotated[str | None, _name("accelerators")]
ModelsName = Annotated[str | None, _name("models")]
ProvidersName = Annotated[str | None, _name("providers")]
Json = Annotated[bool, typer.Option("--json", help="A JSON list, in the units of the catalog files.")]
FitsCsv = Annotated[bool, typer.Option("--csv", help="With --fits: a row for each, for spreadsheets.")]
Plain = Annotated[bool, typer.Option("--plain", help="One labelled line for each entry; the default when piped.")]


@app.callback(invoke_without_command=True)
def _checked(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="As `catalog check FILE`: problems in your entries.")
    ] = None,
) -> int:
    """List the facts of the catalog, show one with its source, or check your own."""
    if file is None:
        return Exit.DONE
    if context.invoked_subcommand is not None:
        raise InputError(f"--check {file} checks a file of your own; leave {context.invoked_subcommand} out")
    return check(file)


@app.command()
def accelerators(
    name: AcceleratorsName = None,
    fits: Annotated[str | None, typer.Option(metavar="MODEL", help="Whether this model fits them.")] = None,
    json: Json = False,
    csv: FitsCsv = False,
    plain: Plain = False,
    catalog: Directories = None,
) -> None:
    """GPUs, TPUs and other accelerators: memory, bandwidth, peak rates, links."""
    facts = user_catalogs(catalog or ())
    if fits is not None:
        model = facts.model(fits).model
        entries = _named(name, facts.accelerator, facts.accelerators)
        _show_fits([(model, entry) for entry in entries], "accelerator", facts, Shape(json=json, csv=csv, plain=plain))
        return
    _refuse_csv(csv)
    _show(_named(name, facts.accelerator, facts.accelerators), json, plain, bool(name))


@app.command()
def models(
    name: ModelsName = None,
    fits: Annotated[str | None, typer.Option(metavar="GPU", help="Whether they fit this accelerator.")] = None,
    json: Json = False,
    csv: FitsCsv = False,
    plain: Plain = False,
    catalog: Directories = None,
) -> None:
    """Model architectures: dimensions, parameters, checkpoints; of one by NAME also how its bytes come about."""
    facts = user_catalogs(catalog or ())
    if fits is not None:
        accelerator = facts.accelerator(fits)
        found = _named(name, lambda text: facts.model(text).model, facts.models)
        _show_fits([(entry, accelerator) for entry in found], "model", facts, Shape(json=json, csv=csv, plain=plain))
        return
    _refuse_csv(csv)
    entries = _named(name, lambda text: facts.model(text).model, facts.models)
    _show(entries, json, plain, bool(name), facts)


@app.command()
def prices(
    name: ProvidersName = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Of refresh: a contract of yours, as CSV.")
    ] = None,
    json: Json = False,
    plain: Plain = False,
    catalog: Directories = None,
) -> None:
    """Rental offers; NAME is an accelerator, a provider or an offer's id.

    `prices refresh` brings them up to date from gpuhunt, or from a contract: a CSV with provider, region, instance,
    accelerator, accelerators and the prices of an hour. They go into a file of your configuration directory, or of the
    directory that --catalog names (the last of several).
    """
    facts = user_catalogs(catalog or ())
    if name == "refresh":
        _refresh(facts, source, catalog[-1] if catalog else None)
        return
    if source is not None:
        raise InputError(f"--from {source} is read by `fleetcast catalog prices refresh`; write refresh before it")
    _show(_offers(facts, name), json, plain, bool(name))


def _refresh(facts: Catalog, source: Path | None, beside: Path | None) -> None:
    """Write the offers of a contract, or of gpuhunt, and show those that cannot be right.

    They go where what they name is known: beside the last of the entries given, else into the user's directory.
    """
    from datetime import date

    from agent.session.written_files import write_whole
    from catalogs.price_feeds.offers import catalog_text, contract_offers, doubts, gpuhunt_offers, without_doubtful
    from commands.catalogs_of_user import own_directory

    today = date.today()
    offers = gpuhunt_offers(facts, today) if source is None else contract_offers(source, facts, today)
    doubtful = doubts(offers, facts)
    folder = beside or own_directory()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / REFRESHED
    made_from = "gpuhunt" if source is None else source.name
    write_whole(file, catalog_text(without_doubtful(offers, doubtful), made_from), force=True)
    for doubt in doubtful:
        print(f"left out of the choice: {doubt.offer.provider} {doubt.offer.instance}: {doubt.reason}")
    used = "used from now on" if beside is None else f"used with --catalog {beside}"
    print(f"{len(offers) - len(doubtful)} of {len(offers)} offers of {made_from} are {used}; they are in {file}")


@app.command()
def apis(
    name: Annotated[str | None, typer.Argument(help="Show what this names, with its source.")] = None,
    json: Json = False,
    csv: Csv = False,
    plain: Plain = False,
    catalog: Directories = None,
) -> None:
    """Models behind an API: what they ask by the token, by the length of the prompt, and in a batch."""
    facts = user_catalogs(catalog or ())
    entries = _named(name, facts.api_model, facts.api_models)
    if csv:
        from agent.report.catalog_listing import listing_report

        show_as(listing_report(tuple(entries), plain=False), None, Shape(csv=True), "APIs")
    else:
        _show(entries, json, plain, bool(name))


def _listing(kind: str) -> Callable[..., None]:
    """Return the command that lists the entries of a kind, or shows one."""

    def listed(
        name: Annotated[str | None, _name(kind)] = None,
        json: Json = False,
        plain: Plain = False,
        catalog: Directories = None,
    ) -> None:
        facts = user_catalogs(catalog or ())
        entries = _named(name, getattr(facts, kind.removesuffix("s")), getattr(facts, kind))
        _show(entries, json, plain, bool(name))

    return listed


for _kind, _about in (
    ("presets", "Kinds of traffic: token distributions, burstiness, prefix reuse, targets."),
    ("workflows", "What agents do for one task: steps, branches, tools, the context that grows."),
    ("runtimes", "Serving runtimes: overheads, scheduler, memory that they take."),
    ("precisions", "Number formats for weights and KV cache: bits per element, scales included."),
):
    app.command(_kind, help=_about)(_listing(_kind))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML of your own entries.")], catalog: Directories = None
) -> int:
    """Check a file of your own entries: every problem in it, one a line."""
    from agent.statements.catalog_check import check_file

    checked = check_file(file, [*user_directories(), *(catalog or ())])
    for problem in checked.problems:
        print(problem)
    if checked.problems:
        return Exit.BAD_INPUT
    print(f"{', '.join(_counted(count, kind) for kind, count in checked.counts.items())}: all valid")
    return Exit.DONE


def _counted(count: int, kind: str) -> str:
    name = {"curve": "kernel curve", "power": "power curve", "fitted": "fitted constant", "measured": "measured kind"}
    return f"{count} {name.get(kind, kind)}{'' if count == 1 else 's'}"


def _named(name: str | None, find: Callable[[str], _Kind], entries: Mapping[str, _Kind]) -> Iterable[_Kind]:
    """Return what a name finds: one entry, or the several that it may mean; without a name all."""
    if name is None:
        return entries.values()
    try:
        return (find(name),)
    except AmbiguousName as several:
        return [entries[hit] for hit in several.hits]


def _offers(facts: Catalog, name: str | None) -> Sequence[Record]:
    return facts.offers_of(name) if name else facts.offers


def _show_fits(
    pairs: Iterable[tuple[ModelArchitecture, Accelerator]], varied: str, facts: Catalog, shape: Shape
) -> None:
    from agent.report.choice.fits_report import fits_report
    from engine.choice.compatibility import Compatibility, compatibility
    from engine.plan import plain as plain_values

    with progress("fitting"):
        found = [compatibility(model, accelerator, facts) for model, accelerator in pairs]
    trees = [plain_values(one) for one in found] if shape.json or shape.csv else []
    if shape.csv:
        print_rows(trees, Compatibility.__struct_fields__)
    else:
        show_as(fits_report(found, varied), trees, shape, "Fits")


def _refuse_csv(csv: bool) -> None:
    if csv:
        raise InputError("--csv is the table of --fits; a listing gives --json or --plain")


def _show(entries: Iterable[Record], json: bool, plain: bool, named: bool, facts: Catalog | None = None) -> None:
    """Show entries; of a model alone also how its bytes come about, where the facts that this needs are given."""
    from agent.report.blocks import Report
    from agent.report.catalog_listing import details_report, listing_report, records_json

    records = tuple(entries)
    alone = named and len(records) == 1
    held = None
    if facts and alone and isinstance(records[0], ModelArchitecture):
        from engine.estimate.stored_weights import model_bytes  # numpy: a listing does not pay for it

        held = model_bytes(records[0], facts.precision)
    if json:
        from msgspec import to_builtins

        print(records_json(records, {"bytes": to_builtins(held)} if held else {}))
        return
    # A listing is mostly piped into another program, which wants a line for each entry.
    plain = plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb"
    report = details_report(records[0]) if alone else listing_report(records, plain=plain)
    if held:
        from agent.report.model_bytes import bytes_report

        report = Report((*report.blocks, *bytes_report(held).blocks))
    show(report, plain=plain)
