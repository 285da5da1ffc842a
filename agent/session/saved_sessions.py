"""Sessions kept on disk: the lines that were accepted, which lead to the same state when they are said again."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from agent.session.directory import state_directory
from agent.session.written_files import write_whole
from agent.talk.state import State
from catalogs.errors import InputError, reason_of

VERSION: Final = 1
MOST_KEPT: Final = 20
MOST_BYTES: Final = 1_000_000


class SavedSession(Struct, frozen=True):
    """A session as it was read."""

    path: Path
    lines: tuple[str, ...]
    values: Mapping[str, str]
    """What was known, to see whether the same lines still say the same."""


class Sessions:
    """A directory of sessions, and the one that is going on."""

    def __init__(self, directory: Path, current: Path | None = None) -> None:
        self.directory = directory
        self.current = current or directory / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{os.getpid()}.json"

    @classmethod
    def of_user(cls) -> "Sessions":
        """Return the sessions in the user's state directory."""
        return cls(state_directory() / "sessions")

    def save(self, state: State) -> None:
        """Keep a state: all of it or what was there before.

        Raises InputError where the directory or the disk refuses.
        """
        tree = {"fleetcast_session": VERSION, "lines": list(state.lines), "values": shown_values(state)}
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(f"the directory {self.directory} cannot be made: {reason_of(error)}") from None
        write_whole(self.current, json.dumps(tree, indent=1, ensure_ascii=False) + "\n", force=True)
        self._forget_oldest()

    def latest(self) -> SavedSession:
        """Return the last session that is not the one going on.

        Raises InputError where there is none, or where its file is no session any more.
        """
        found = [path for path in self._files() if path != self.current]
        if not found:
            raise InputError("there is no session to resume; `fleetcast` begins one")
        return read_session(found[-1])

    def _files(self) -> list[Path]:
        """Return the files of sessions, the newest last."""
        try:
            files = [(path.stat().st_mtime_ns, path) for path in self.directory.glob("*.json")]
        except OSError:
            return []
        return [path for _, path in sorted(files)]

    def _forget_oldest(self) -> None:
        for path in self._files()[:-MOST_KEPT]:
            if path != self.current:
                path.unlink(missing_ok=True)


def read_session(path: Path) -> SavedSession:
    """Return a session from its file.

    Raises InputError where that cannot be read or is no session.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        tree: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(tree, dict) or "fleetcast_session" not in tree:
            raise ValueError("it does not say that it is one")
        if tree["fleetcast_session"] != VERSION:
            raise ValueError(f"version {tree['fleetcast_session']!r:.20} is not {VERSION}")
        lines, values = tree.get("lines"), tree.get("values", {})
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise ValueError("its lines are no list of texts")
        if not isinstance(values, dict):
            raise ValueError("its values are no table")
    except OSError as error:
        raise InputError(f"the session {path} cannot be read: {reason_of(error)}") from None
    except (ValueError, RecursionError) as error:
        problem = str(error) if type(error) is ValueError else "it is damaged"
        raise InputError(f"{path} is no session: {problem}; remove it, or begin anew with `fleetcast`") from None
    return SavedSession(path, tuple(lines), {str(key): str(value) for key, value in values.items()})


def shown_values(state: State) -> dict[str, str]:
    """Return what a state knows, as texts; dimensions that were read from a config are left out."""
    return {path: f"{value}" for path, value in state.values.items() if path != "architecture"}
