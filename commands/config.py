"""`fleetcast config`: the user's own defaults, shown, changed, or opened in an editor."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from agent.statements.flags import flag_values
from agent.statements.settings import setting_called, with_setting
from agent.statements.spec_files import SETTINGS, settings_file
from catalogs.errors import InputError, quoted
from commands.catalogs_of_user import own_directory, user_catalogs
from commands.completion import setting_value_completed, settings_completed
from commands.failures import Exit
from commands.options import App, Json, Plain
from commands.showing import notice, print_json
from commands.showing import show as show_report

app = App(no_args_is_help=True, help="Your own defaults: what every forecast takes where nothing else is said.")

Name = Annotated[
    str, typer.Argument(help="A flag without its --, or a path: gpu-type.", autocompletion=settings_completed)
]


def _file() -> Path:
    return own_directory() / SETTINGS


@app.command()
def show(json: Json = False, plain: Plain = False) -> int:
    """Show the settings, and the file that they stand in."""
    from agent.fields.table import FIELDS
    from agent.report.blocks import Facts, Paragraph, Report

    stated = settings_file(own_directory())
    values = stated.values if stated else {}
    if json:
        from engine.plan import plain as plain_values

        print_json(plain_values(dict(values)))
    elif values:
        shown = tuple(
            (path, f"{FIELDS[path].show(value)} {FIELDS[path].unit}".strip()) for path, value in values.items()
        )
        show_report(Report((Facts(shown), Paragraph(f"From {_file()}.", "quiet"))), plain=plain)
    else:
        notice([f"Nothing is set. `fleetcast config set provider aws` begins {_file()}."])
    return Exit.DONE


@app.command()
def path() -> int:
    """Print where the settings are; your own catalog entries stand in the same directory."""
    print(_file())
    return Exit.DONE


@app.command("set")
def set_command(
    name: Name,
    value: Annotated[
        str, typer.Argument(help="As the flag takes it: H100, 800ms, 1.5k.", autocompletion=setting_value_completed)
    ],
) -> int:
    """Set one default, checked as the flag of that name is."""
    field = setting_called(name)
    flag_values({field.flag: (value,)})
    return _written(field.path, value)


@app.command()
def get(name: Name) -> int:
    """Print one default as it was set; where it is not, that is said beside the output."""
    path = setting_called(name).path
    stated = settings_file(own_directory())
    if stated and path in stated.values:
        from agent.fields.table import FIELDS

        print(f"{FIELDS[path].show(stated.values[path])} {FIELDS[path].unit}".strip())
    else:
        notice([f"{path} is not set."])
    return Exit.DONE


@app.command()
def unset(name: Name) -> int:
    """Take one default back."""
    path = setting_called(name).path
    stated = settings_file(own_directory())
    if stated and path in stated.values:
        return _written(path, None)
    notice([f"{path} is not set, and nothing was changed."])
    return Exit.DONE


@app.command()
def edit() -> int:
    """Open the settings in your editor ($VISUAL, $EDITOR); what is wrong in them is said afterwards."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text('# Defaults of every forecast, by the names that a spec has: [money] provider = "aws"\n')
    try:
        ended = subprocess.run([*shlex.split(command), str(file)], check=False).returncode
    except OSError as error:
        raise InputError(f"the editor {quoted(command)} cannot be started: {(error.strerror or '').lower()}") from None
    if ended:
        raise InputError(f"the editor {quoted(command)} ended with {ended}; the settings are as it left them")
    _checked()
    return Exit.DONE


def _written(path: str, value: str | None) -> int:
    from agent.session.written_files import write_whole

    file = _file()
    before = file.read_text(encoding="utf-8") if file.is_file() else None
    settings_file(own_directory())  # what is broken already is said, and not written over
    text = with_setting(before or "", path, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, text, force=True)
    try:
        _checked()
    except InputError:
        write_whole(file, before, force=True) if before is not None else file.unlink()
        raise
    notice([f"{path} is {'no longer set' if value is None else value} in {file}."])
    return Exit.DONE


def _checked() -> None:
    """See that the catalog knows the names that the settings use.

    Raises InputError where it does not, or where they cannot be read.
    """
    from agent.statements.merged import collected

    stated = settings_file(own_directory())
    if stated is not None:
        notice(collected([stated], user_catalogs()).notes)
