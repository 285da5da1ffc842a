"""Plans that were made, kept by number: the last fifty, and those that were given a name."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.session.directory import state_directory
from catalogs.errors import InputError, listed, quoted

if TYPE_CHECKING:
    from agent.talk.state import EarlierPlan

MOST_KEPT: Final = 50
"""Plans without a name, of some 50 kB each."""
_FILE: Final = re.compile(r"(\d{4,})(?:-(.+))?")
_NAME: Final = re.compile(r"(?!\d+$)[\w][\w .-]{0,59}")


_MONTHS: Final = "january february march april may june july august september october november december".split()
_DAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()


_AGO: Final = re.compile(r"\b(\d+|an?|two|three) (day|week|month)s? ago\b")
_DATE: Final = re.compile(r"\b(\d{4})-(\d\d?)-(\d\d?)\b")


def _day_in(words: str, now: datetime) -> datetime | None:
    """Return the moment before which a plan is meant: the end of the day, week or month that is named, if one is."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    weekday = next((at for at, name in enumerate(_DAYS) if re.search(rf"\b{name}\b", words)), None)
    month = next((at for at, name in enumerate(_MONTHS, start=1) if re.search(rf"\b(?:in )?{name}\b", words)), None)
    end = None
    if date := _DATE.search(words):
        with suppress(ValueError):
            end = datetime(int(date[1]), int(date[2]), int(date[3])) + timedelta(days=1)
    elif ago := _AGO.search(words):
        count = {"a": 1, "an": 1, "two": 2, "three": 3}.get(ago[1]) or int(ago[1])
        end = today - timedelta(days=count * {"day": 1, "week": 7, "month": 30}[ago[2]] - 1)
    elif "last week" in words:
        end = today - timedelta(days=today.weekday())
    elif re.search(r"\b(?:last|previous) month", words):
        end = today.replace(day=1)
    elif "yesterday" in words:
        end = today
    elif weekday is not None:
        end = today - timedelta(days=(today.weekday() - weekday - 1) % 7)
    elif month is not None:
        year = today.year - (month >= today.month)
        end = datetime(year + month // 12, month % 12 + 1, 1)
    return end


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
        """Keep a plan, unless it is the last one again; where the directory refuses, nothing is kept."""
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

    def meant_by(self, text: str, now: datetime) -> "EarlierPlan | str":
        """Return the plan that a line means by its name, its number or a day; without any, the last before today.

        Args:
            text: the line: 'what changed since last month', 'against prod-eu', 'since plan 12'.
            now: the present, in local time.

        Returns:
            The plan, or in a sentence why there is none.
        """
        from engine.plan_file import read_plan

        kept = self.all()
        if not kept:
            return "No plan is kept yet: each that is made is kept from now on, and `fleetcast plans` lists them."
        words = text.lower()
        named = [plan for plan in kept if plan.name and plan.name.lower() in words]
        number = re.search(r"\b(?:plan|number|no\.?|#) ?(\d+)\b", words)
        if number and (numbered := self.called(number[1])):
            named = [numbered]
        day = _day_in(words, now)
        before = [plan for plan in kept if plan.made < (day or now.replace(hour=0, minute=0, second=0, microsecond=0))]
        if day is None:
            before = before or kept[:-1]  # the newest is the one that is asked about
        if not named and not before:
            return (
                f"The oldest plan that is kept is of {kept[0].made:%Y-%m-%d}: there is none from before"
                f" {day or now:%Y-%m-%d}. `fleetcast plans` lists them; say 'what changed since plan {kept[0].number}'."
            )
        found = (named or before)[-1]
        try:
            plan = read_plan(found.path.read_text(encoding="utf-8"), found.path.name)
        except (OSError, UnicodeError, InputError) as error:
            return f"Plan {found.number} cannot be read: {error}."
        from agent.talk.state import EarlierPlan  # a conversation has it, and with it the reader of sentences

        return EarlierPlan(f"{found.name or f'plan {found.number}'} of {found.made:%Y-%m-%d}", plan)

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
