"""Plans that were made, kept by number: the last fifty, and those that were given a name."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from agent.session.directory import state_directory
from catalogs.errors import InputError, listed, quoted

MOST_KEPT: Final = 50
"""Plans without a name, of some 50 kB each."""
_FILE: Final = re.compile(r"(\d{4,})(?:-(.+))?")
_NAME: Final = re.compile(r"(?!\d+$)[\w][\w .-]{0,59}")


class KeptPlan(msgspec.Struct, frozen=True):
    """A plan that is kept."""

    number: int
    name: str
    """Empty where none was given."""
    path: Path

    @property
    def made(self) -> datetime:
        """When it was kept, in local time."""
        return datetime.fromtimestamp(self.path.stat().st_mtime)

    def heading(self) -> "PlanHeading":
        """Return what a list shows of the plan."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=PlanHeading)
        except (OSError, msgspec.DecodeError):
            return PlanHeading(_Answer("cannot be read"))


class _Answer(msgspec.Struct, frozen=True):
    sentence: str


class _Cost(msgspec.Struct, frozen=True):
    monthly_usd: float | None = None


class PlanHeading(msgspec.Struct, frozen=True):
    """The answer and the bill of a plan's file; all else in it is skipped."""

    answer: _Answer
    cost: _Cost = _Cost()


class KeptPlans:
    """A directory of plans."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of_user(cls) -> "KeptPlans":
        """Return the plans in the user's state directory."""
        return cls(state_directory() / "plans")

    def all(self) -> list[KeptPlan]:
        """Return the plans, the newest last."""
        return sorted(self._found(), key=lambda plan: plan.number)

    def keep(self, tree: Any) -> None:
        """Keep a plan, unless it is the last one again; where the directory refuses, nothing is kept.

        Args:
            tree: as JSON holds it.
        """
        there = self.all()
        try:
            content = msgspec.json.encode(tree)
            if there and there[-1].path.read_bytes() == content:
                return
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            number = there[-1].number + 1 if there else 1
            with (self.directory / f"{number:04}.json").open("xb") as file:
                file.write(content)
            for old in [plan for plan in there if not plan.name][: -MOST_KEPT + 1]:
                old.path.unlink(missing_ok=True)
        except (OSError, UnicodeError):  # half a character, typed in a flag
            return

    def called(self, text: str) -> KeptPlan | None:
        """Return the plan of a number or a name."""
        return next((plan for plan in self._found() if text in (str(plan.number), plan.name) and text), None)

    def named(self, text: str) -> KeptPlan:
        """Return the plan of a number or a name.

        Raises InputError where there is none.
        """
        plan = self.called(text)
        if plan is None:
            known = [one.name or str(one.number) for one in self.all()[-5:]]
            there = (
                f"the last ones are {listed(known)}" if known else "none is kept yet; `fleetcast forecast` makes one"
            )
            raise InputError(f"no plan is kept as {quoted(text)}; {there}")
        return plan

    def rename(self, plan: KeptPlan, name: str) -> None:
        """Give a plan a name.

        Raises InputError where it is no name, or another plan's.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{quoted(name)} is no name of a plan; take letters, digits, blanks, dots and hyphens")
        if (other := self.called(name)) is not None and other.number != plan.number:
            raise InputError(f"plan {other.number} is called {quoted(name)} already")
        plan.path.rename(plan.path.with_name(f"{plan.number:04}-{name}.json"))

    def _found(self) -> Iterator[KeptPlan]:
        if not self.directory.is_dir():
            return
        for path in self.directory.glob("*.json"):
            if match := _FILE.fullmatch(path.stem):
                yield KeptPlan(int(match[1]), match[2] or "", path)
