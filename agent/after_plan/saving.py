"""The plan as a file: saved under a name, or exported in a format."""

import re
from pathlib import PurePath
from typing import Final

from msgspec.structs import replace

from agent.after_plan.variants import numbered
from agent.exports import PLAIN_NAME, format_by_suffix, format_named, format_said, formats, plan_file, suffixes_shown
from agent.talk.speech import Write, said, warned
from agent.talk.state import NameFile, Ports, State, Step
from catalogs.errors import InputError

_MOST_NAMES: Final = 99
"""Names beside a format's own that are tried before it is said that the file exists."""
_SAVE_AS: Final = re.compile(
    r"(?:(?:it|this|that|(?:the )?(?:plan|report))\s+)?(?:(?:#|plan )?(?P<number>\d{1,3})\s+)?"
    r"(?:(?:as|to|in|into|under)\s+)?(?P<name>\S.*)",
    re.I,
)


_NOT_WRITTEN: Final = re.compile(
    r"\b(?P<what>terraform|ansible|pulumi|nomad|slurm|pdf|docx|word|powerpoint|pptx|slides?|jira|confluence|notion)\b(?!\.\w)|"
    r"\b(?P<sends>e-?mails?|mails?|send|post|slack|teams|forward|fax|print(?:er)?)\b",
    re.I,
)
"""What people want a plan as, or sent by, that nothing here makes."""
_YAML: Final = re.compile(r"(?<![\w.])ya?ml\b", re.I)
"""What several formats are: which of them is wanted is asked."""
_OPENS: Final = re.compile(
    r"(?:(?:please|can|could|you|now|let'?s) )*(?:show|open|read|load|view|cat|display|see|look at)\b", re.I
)
"""How a line begins that wants to see a file."""
_ALONE: Final = re.compile(
    rf"(?:(?:it|this|that|the plan) )?(?:(?:as|to|in|for|into) )?(?:an? |my )?(?:{_NOT_WRITTEN.pattern}|ya?ml)"
    r"(?: (?:pls|please|file|now))*",
    re.I,
)


def exported(state: State, text: str, ports: Ports) -> Step:
    """Answer a line that wants the plan as a file: write it, or say that such a file is none of ours."""
    format = format_named(text)
    if _NOT_WRITTEN.search(text) or (_YAML.search(text) and not format):
        return state, (said(not_written(text)),)
    if _ASKS.search(text) and not _WRITES.search(text):
        file = _format_named(text) if _format_named(text) != text else "plan.json"
        how = f"'export {format.replace('-', ' ')}' does" if format else f"'save {file}' does"
        text = f"Nothing was written: {how}, or 'save' with a name that ends in {suffixes_shown()}."
        return state, (said(text),)
    if format:
        return export(state, format, ports, file_in(text))
    name, proposed = re.search(r"\S+\.\w+$", text.strip()), _format_named(text)
    if name and _OPENS.match(text.strip()):
        shows = f"'fleetcast plan show {name[0]}' shows the plan of that file; 'save {name[0]}' writes the one of here."
        return state, (said(shows),)
    if name and name[0] == text.strip():
        question = (
            f"Save the plan as {name[0]}? Enter or yes does; 'here is my benchmark {name[0]}' reads it as results."
        )
        return replace(state, pending=NameFile(name[0], None, question)), ()
    return save(state, name[0] if name else proposed if proposed != text else "", ports)


_ASKS: Final = re.compile(
    r"\?\s*$|^\W*(?:(?:and|but|so|ok|okay)\W+)*(?:is|are|do|does|did|would|should|how|which|where|what|why|who)\b", re.I
)
_WRITES: Final = re.compile(
    r"\b(?:save|write|export|store|dump|download|exportier\w*|speicher\w*|export[ae]\w*|guard\w+)\b", re.I
)
"""Verbs with which a question wants a file: 'can you export it?'. Another question never writes one."""


def not_written(text: str) -> str:
    """Say that a plan is not written as what a line names, or not sent, and what it is written as.

    Args:
        text: the line; it names something of ``_NOT_WRITTEN``.
    """
    found = _NOT_WRITTEN.search(text)
    lead = f"No {found['what']} is written." if found and found["what"] else "Nothing is sent or printed from here."
    lead = lead if found else "Which YAML? Several of them are."
    return (
        f"{lead} What can be: 'export kubernetes', 'export helm values' and 'export compose' for running it; or "
        f"'save plan.md', with a name that ends in {suffixes_shown()}."
    )


_NO_NAME: Final = re.compile(
    r"^\s*(?:(?:it|this|that|the plan|everything)\b)?\s*(?:so (?:that )?(?:i|we)|because|before|until|in case|where|"
    r"somewhere|please|for (?:me|us|later|now|tomorrow|the))\b.*",
    re.I | re.S,
)
"""What stands behind 'save' and is no name: 'save it so I can open it tomorrow'."""


def save(state: State, rest: str, ports: Ports) -> Step:
    """Write the kept plan in the format of the file's name: ask where that is none, and before it overwrites.

    Args:
        rest: what stands behind 'save'.
    """
    rest = _NO_NAME.sub("", rest)
    format, else_wanted = format_said(f"save {rest.strip()}"), _ALONE.fullmatch(rest.strip())
    if format or else_wanted:
        return export(state, format, ports, file_in(rest)) if format else (state, (said(not_written(rest)),))
    name = _format_named(rest.strip())
    if not name or name.lower() in {"it", "this", "that", "plan", "the plan"}:
        proposed = plan_file()
        text = f"Save the plan as {proposed}? Enter or yes does; or say another name that ends in {suffixes_shown()}."
        return replace(state, pending=NameFile(proposed, None, text)), ()
    match = _SAVE_AS.fullmatch(name)
    name = (match["name"] if match else name).strip().strip("'\"")
    number = match["number"] if match else None
    if number is not None:
        branches = numbered(state, (int(number),))
        if isinstance(branches, str):
            return state, (said(branches),)
        return _written(replace(state, kept=int(number)), name, ports, state)
    if format_by_suffix(name) is None:
        proper = plan_file(name if PurePath(name).name else "plan")
        text = (
            f"{name} does not end in {suffixes_shown()}. Enter or yes saves {proper}, 'no' saves nothing, "
            f"'as it is' saves the plan as {name}."
        )
        return replace(state, pending=NameFile(proper, name, text)), ()
    return _written(state, name, ports, state)


_FORMATS: Final = (
    (r"markdown|\.md|a report", "plan.md"),
    (r"csv|excel|spreadsheet|xlsx", "plan.csv"),
    (r"html|web ?page", "plan.html"),
    (r"json", "plan.json"),
)
_NAMED: Final = re.compile(r"\S+\.\w+\s*$")


def _format_named(name: str) -> str:
    """Return the file that a format is written to which is named in words: 'to markdown please'; else the words."""
    if _NAMED.search(name) or not any(re.search(rf"\b(?:{words})\b", name, re.I) for words, _ in _FORMATS):
        return name
    return next(file for words, file in _FORMATS if re.search(rf"\b(?:{words})\b", name, re.I))


def name_file(state: State, file: NameFile, line: str, ports: Ports) -> "Step | None":
    """Go on with a file whose name was asked about; None where the reply is a sentence and no file's name.

    Args:
        state: with the name pending.
        file: the name that was proposed, and why.
    """
    reply = line.strip().strip("'\"")
    settled = replace(state, pending=None)
    if reply.lower() in {"", "y", "yes", "ok", "okay", "sure"}:
        return _confirmed(settled, file, ports)
    if reply.lower() in {"n", "no", "nope", "cancel", "never mind"}:
        return settled, (said("Nothing was written."),)
    if file.other and reply.lower() in {"as it is", "as is", "anyway", file.other.lower(), "2"}:
        return _written(settled, file.other, ports, settled)
    if len(reply.split()) > 1 and (format_by_suffix(reply) is None or _OPENS.match(reply)):
        return None
    other = reply.removeprefix("save ")
    return export(settled, file.format, ports, other) if file.format else save(settled, other, ports)


def _confirmed(state: State, file: NameFile, ports: Ports) -> Step:
    if file.format:
        return export(state, file.format, ports, file.path, overwrite=True)
    if file.overwrites:
        return state, (_write(state, file.path, ports, overwrite=True),)
    return _written(state, file.path, ports, state)


_TO_FILE: Final = re.compile(
    r"(?:\b(?:to|as|into?|under)|>)\s+(?:(?:a|the) )?(?:(?:file|folder) )?(?P<name>\S+)\s*\Z", re.I
)


def file_in(text: str) -> str:
    """Return the file that a line's export is to be, 'export kubernetes to k8s.yaml'; empty where it names none.

    A word without a dot or a slash is none: 'as yaml'.
    """
    named = _TO_FILE.search(text)
    name = named["name"].rstrip(".!").strip("'\"") if named else ""
    return name if re.search(r"[./]", name) else ""


def export(state: State, format: str, ports: Ports, path: str = "", *, overwrite: bool = False) -> Step:
    """Write the kept plan in a format.

    Args:
        format: its name.
        path: where to; else the format's own name or one beside it that is free.
        overwrite: whether a file that is there is replaced without a question.
    """
    plan = state.branches[state.kept].capacity_plan
    if plan is None:
        return state, (said("There is no plan to export: nothing fits. Change something first."),)
    if path and not overwrite and ports.exists(path):
        text = f"{path} exists. Overwrite it? 'yes' does; or say another name."
        return replace(state, pending=NameFile(path, None, text, overwrites=True, format=format)), ()
    written = formats()[format]
    try:
        files = written.files(plan, ports.catalog)
    except InputError as error:
        return state, (warned(f"That cannot be exported: {error}."),)
    name = PurePath(next(iter(files)) if len(files) == 1 else format)
    names = (name, *(name.with_stem(f"{name.stem}-{number}") for number in range(2, _MOST_NAMES)))
    free = path or next((str(one) for one in names if not ports.exists(str(one))), str(name))
    return state, (Write(free, files, overwrite=overwrite, what=written.content),)


def _written(state: State, name: str, ports: Ports, back_to: State) -> Step:
    if state.branches[state.kept].capacity_plan is None:
        return replace(back_to, pending=None), (
            said("There is no plan to save: nothing fits. Change something first."),
        )
    if ports.exists(name):
        text = f"{name} exists. Overwrite it? 'yes' does; or say another name."
        return replace(back_to, pending=NameFile(name, None, text, overwrites=True)), ()
    which = f"It holds plan {state.kept} ({state.base.label}); 'save' with a number before the name writes another."
    written = (_write(state, name, ports, overwrite=False), said(which))
    return replace(back_to, pending=None), written if len(state.branches) > 1 else written[:1]


def _write(state: State, name: str, ports: Ports, overwrite: bool) -> Write:
    plan = state.branches[state.kept].capacity_plan
    assert plan is not None
    written = format_by_suffix(name) or formats()[PLAIN_NAME]
    return Write(name, written.files(plan, ports.catalog), overwrite, written.content)
