"""`fleetcast plan`: a plan that was saved, shown again or exported; the schema of plans and specs."""

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.exports import format_called, format_names
from catalogs.errors import InputError
from commands.failures import Exit
from commands.input_files import text_of
from commands.options import Full, Json, Plain, new_app

app = new_app(no_args_is_help=True, help="Show or export a plan that was saved; the schema of plans.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `forecast --output` wrote; - is standard input.")]


@app.command()
def show(file: File, full: Full = False, plain: Plain = False, json: Json = False) -> int:
    """Show a plan that was saved."""
    from commands.showing import exit_code, print_json
    from commands.showing import show as show_report
    from engine.plan import plan_json
    from engine.plan_file import read_plan

    plan = read_plan(text_of(file), str(file))
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
) -> int:
    """Write a plan that was saved in another format."""
    from agent.session.written_files import file_bytes, write_files
    from commands.showing import notice
    from engine.plan_file import read_plan

    written = format_called(name)
    files = written.files(read_plan(text_of(file), str(file)))
    if output is not None:
        write_files(output, files, force=force)
        notice([f"Wrote {written.content} to {output}."])
        return Exit.DONE
    if len(files) > 1:
        raise InputError(f"{name} is {len(files)} files; give the folder that they go into with --output")
    for content in files.values():  # in UTF-8 whatever the terminal's encoding: the bytes that a file would hold
        sys.stdout.buffer.write(file_bytes(content))
    return Exit.DONE


@app.command()
def schema(
    spec: Annotated[bool, typer.Option("--spec", help="Of a spec file instead of a plan.")] = False,
) -> int:
    """Print the JSON schema of plans, with units; `$defs.WorkloadSpec` in it is a spec's."""
    from engine.plan_file import plan_schema, spec_schema

    print(jsons.dumps(spec_schema() if spec else plan_schema(), indent=2, ensure_ascii=False))
    return Exit.DONE
