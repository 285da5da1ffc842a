"""`fleetcast plan`: plans that were saved, shown again, made again, compared or exported; their schema."""

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.exports import format_called, format_names
from catalogs.errors import InputError, visible
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.gates import broken, gates_of, with_gates
from commands.input_files import saved_plan, text_of
from commands.options import App, Directories, Full, Json, Plain
from commands.progress import progress
from commands.showing import exit_code, left_out, notice, print_json, show_no_plan
from commands.showing import show as show_report

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from engine.plan import CapacityPlan

app = App(no_args_is_help=True, help="Show, check, compare or export plans that were saved; the schema of plans.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `forecast --output` wrote; - is standard input.")]


@app.command()
def show(file: File, full: Full = False, plain: Plain = False, json: Json = False) -> int:
    """Show a plan that was saved."""
    from engine.plan import plan_json

    plan = saved_plan(file)
    if json:
        print_json(plan_json(plan))
    else:
        from agent.report.plan.plan_report import plan_report

        show_report(plan_report(plan, full=full), plain=plain)
    return exit_code(plan)


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(format_names())}.")],
    file: File,
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Where to; else standard output.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    catalog: Directories = None,
) -> int:
    """Write a plan that was saved in another format: a report, what deploys it, what scales and watches it."""
    from agent.session.written_files import file_bytes, write_files

    written = format_called(name)
    files = written.files(saved_plan(file), user_catalogs(catalog or ()))
    if output is not None:
        write_files(output, files, force=force)
        notice([f"Wrote {written.content} to {output}."])
        return Exit.DONE
    if len(files) > 1:
        raise InputError(f"{name} is {len(files)} files; give the folder that they go into with --output")
    for content in files.values():  # in UTF-8 whatever the terminal's encoding: the bytes that a file would hold
        sys.stdout.buffer.write(file_bytes(content))
    return Exit.DONE


Policy = Annotated[Path | None, typer.Option(metavar="FILE", help="TOML with the same gates: max_gpus = 64.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="For a comment on a pull request.")]


@app.command()
@with_gates
def check(
    file: File,
    policy: Policy = None,
    catalog: Directories = None,
    json: Json = False,
    plain: Plain = False,
    markdown: Markdown = False,
    **gates: str | None,
) -> int:
    """Make a saved plan again: the same with the same catalog, else what moved. Exit 4 where a gate does not hold."""
    from engine.method import made_again
    from engine.plan import NoPlan
    from engine.plan_file import as_written

    limits = gates_of(policy, gates)
    before, facts = saved_plan(file), user_catalogs(catalog or ())
    with progress("planning"):
        again = made_again(before, facts)
    if isinstance(again, NoPlan):
        show_no_plan(again, plain=plain)
        return Exit.NOTHING_MEETS
    after = as_written(again)
    return _differences(
        before, after, facts, limits, same=_same_but_for(before, after), json=json, plain=plain, markdown=markdown
    )


def _same_but_for(before: "CapacityPlan", after: "CapacityPlan") -> str:
    """Say in what two plans of the same fleet, bill and latencies differ, at most five of them."""
    from engine.choice.attribution import differing

    moved = differing(before, after)
    if not moved:
        return "The same plan."
    named = [
        path if isinstance(old, list) or isinstance(new, list) else f"{path} ({old} in the file, {new} made again)"
        for path, (old, new) in list(moved.items())[:5]
    ]
    rest = f"; and {len(moved) - 5} more" if len(moved) > 5 else ""
    return f"The same fleet, bill and latencies; what differs: {'; '.join(named)}{rest}."


@app.command()
@with_gates
def diff(
    previous: Annotated[Path, typer.Argument(metavar="PREVIOUS", help="A plan that was saved.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another; - is standard input.")],
    policy: Policy = None,
    catalog: Directories = None,
    json: Json = False,
    plain: Plain = False,
    markdown: Markdown = False,
    **gates: str | None,
) -> int:
    """What changed between two plans, and which input did how much of it. Exit 4 where a gate does not hold."""
    limits = gates_of(policy, gates)
    before, after = (saved_plan(file) for file in (previous, new))
    facts = user_catalogs(catalog or ())
    return _differences(before, after, facts, limits, same="", json=json, plain=plain, markdown=markdown)


def _differences(
    before: "CapacityPlan",
    after: "CapacityPlan",
    facts: "Catalog",
    gates: dict[str, str],
    *,
    same: str,
    json: bool,
    plain: bool,
    markdown: bool,
) -> int:
    from agent.report.choice.diff_report import diff_report, diff_tree
    from agent.report.rendering.markdown import markdown as as_markdown
    from engine.choice.attribution import attribution

    with progress("comparing"):
        why = attribution(before, after, facts)
    failed = list(broken(gates, after, before))
    report = diff_report(before, after, why)
    if json:
        print_json({"same": after == before, "broken": failed} | diff_tree(before, after, why))
    elif report is not None and markdown:
        sys.stdout.write(as_markdown(report))
    elif report is not None:
        show_report(report, plain=plain)
    elif same and not markdown:
        print(same)
    notice(f"Gate: {line}." for line in failed)
    return Exit.CHECK_FAILED if failed else exit_code(after)


@app.command()
def lint(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Manifests, rules, dashboards; - is standard input.")
    ],
    plan: Annotated[Path | None, typer.Option(metavar="PLAN", help="The plan that they deploy.")] = None,
    engine: Annotated[str, typer.Option(metavar="NAME", help="What is watched, and its version: vllm@0.12.")] = "",
    curve: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="One replica at rising loads, instead of the plan's.")
    ] = None,
    catalog: Directories = None,
    json: Json = False,
) -> int:
    """Look through rules that scale and watch a fleet, whoever wrote them: each fault with its line and the fix."""
    from agent.lint.lint import linted
    from agent.lint.load_curves import curve_in
    from engine.planning.phrases import counted

    look = linted(
        {str(file): text_of(file) for file in files},
        user_catalogs(catalog or ()),
        engine=engine,
        plan=saved_plan(plan) if plan else None,
        curve=curve_in(text_of(curve), str(curve)) if curve else (),
    )
    if json:
        print_json(look)
    else:
        print("\n".join(visible(fault.shown) for fault in look.faults), end="\n" if look.faults else "")
        sound = "Nothing is wrong in what was read"
        notice([f"{counted(len(look.faults), 'fault') if look.faults else sound}: {', '.join(look.read)}."])
        left_out([f"Not read: {', '.join(look.not_read)}."] if look.not_read else ())
        notice(look.notes)
    return Exit.CHECK_FAILED if look.faults else Exit.DONE


@app.command()
def explain(
    file: File,
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="Of a figure: performance.at_peak.ttft_s.p95; without it, all.")
    ] = "",
    catalog: Directories = None,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Derive a figure of a plan: its formula, what enters it and where from, what binds, and the figure once more."""
    from engine.choice.derivation.derivation import derivation, leaves
    from engine.plan import plan_json

    plan = saved_plan(file)
    if not path:
        figures = dict(leaves(plan_json(plan)))
        if json:
            print_json(figures)
        else:
            print("\n".join(f"{name} = {value:.6g}" for name, value in figures.items()))
        return Exit.DONE
    found = derivation(plan, path, user_catalogs(catalog or ()))
    if json:
        from agent.report.choice.derivation_report import derivation_tree

        print_json(derivation_tree(found))
    else:
        from agent.report.choice.derivation_report import derivation_report

        show_report(derivation_report(found), plain=plain)
    return Exit.DONE if found.reproduced else Exit.CHECK_FAILED


@app.command()
def schema(spec: Annotated[bool, typer.Option("--spec", help="Of a spec file instead of a plan.")] = False) -> int:
    """Print the JSON schema of plans, with units; `$defs.WorkloadSpec` in it is a spec's."""
    from engine.plan_file import plan_schema, spec_schema

    print(jsons.dumps(spec_schema() if spec else plan_schema(), indent=2, ensure_ascii=False))
    return Exit.DONE
