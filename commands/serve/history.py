"""Calculations that were made for clients, in a database of one file; a file that refuses never costs an answer."""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from catalogs.units import show_count, show_rate

MOST_KEPT: Final = 10_000
MOST_UNWRITTEN: Final = 1_000
"""Calculations that wait to be written; the oldest beyond them are not kept."""
WRITTEN_AFTER_S: Final = 0.2
TABLE: Final = "calculations"
ASKED: Final = {
    "rate": "traffic.requests_per_s",
    "at_once": "traffic.concurrency",
    "prompt": "tokens.input.mean",
    "output": "tokens.output.mean",
}
"""What the list shows of a plan's question, by the path in its spec."""


def number_in(text: str) -> int | None:
    """Return the number of a calculation that a client names; None where no calculation has such a number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class Calculation(Struct, frozen=True):
    """One that is kept, without its answer."""

    id: int
    made: str
    """UTC, to the second."""
    kind: str
    title: str
    query: str
    """Of the page that shows it again; empty where a program asked."""
    asked: str = ""
    """Load and lengths, in words; empty where it is no plan."""


class Kept(Struct, frozen=True):
    """What is kept of a calculation."""

    answer: bytes
    query: str
    """Of the page that shows it again; empty where a program asked."""


def _calculation(row: dict[str, Any]) -> Calculation:
    rate, at_once, prompt, output = (row.pop(name) for name in ASKED)
    load = show_rate(rate) if rate else f"{show_count(at_once)} in flight" if at_once else ""
    lengths = f"{show_count(prompt)} in, {show_count(output)} out" if prompt and output else ""
    return Calculation(**row, asked=", ".join(filter(None, (load, lengths))))


class History:
    """The file of calculations.

    They are written together, a moment after they are made and by a thread of their own, so that no answer waits for
    the disk; whoever reads them here reads those too. Each call opens the file for itself: they come from several
    threads.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._unwritten: deque[dict[str, Any]] = deque(maxlen=MOST_UNWRITTEN)
        self._writing = threading.Lock()
        self.refuses = False
        """Whether the file took nothing when it was last written."""

    def keep(self, kind: str, title: str, query: str, answer: bytes) -> None:
        """Keep a calculation, unless its answer is the last one's or the file refuses.

        Args:
            query: of the page that shows it again; empty where a program asked.
            answer: JSON.
        """
        made = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._unwritten.append({"made": made, "kind": kind, "title": title, "query": query, "answer": answer})
        if len(self._unwritten) == 1:  # else a thread is about to write it
            writer = threading.Timer(WRITTEN_AFTER_S, self.write)
            writer.daemon = True
            writer.start()

    def write(self) -> None:
        """Write what is not written yet."""
        with self._writing:
            rows = []
            while self._unwritten:
                rows.append(self._unwritten.popleft())
            if not rows:
                return
            try:
                with self._table() as table:
                    last = next((row["answer"] for row in table.rows_where(order_by="id desc", limit=1)), None)
                    answers = [last, *(row["answer"] for row in rows)]
                    table.insert_all([row for row, one in zip(rows, answers, strict=False) if row["answer"] != one])
                    table.delete_where(f"id <= (select max(id) from {TABLE}) - ?", [MOST_KEPT])
                self.refuses = False
            except Exception as error:  # damaged, locked, full or read-only: answers are worth more than their copies
                if not self.refuses:
                    logging.getLogger("fleetcast").warning("%s keeps no calculation: %s", self.file, error)
                self.refuses = True

    def all(self, most: int = 200) -> list[Calculation]:
        """Return the calculations, the newest first; none where the file cannot be read."""
        self.write()
        try:
            newest = f"select *, cast(answer as text) as text from {TABLE} order by id desc limit ?"
            figures = ", ".join(
                f"iif(json_valid(text), json_extract(text, '$.spec.{path}'), null) as {name}"
                for name, path in ASKED.items()
            )
            with self._table() as table:
                rows = table.db.query(f"select id, made, kind, title, query, {figures} from ({newest})", [most])
                return [_calculation(row) for row in rows]
        except Exception:
            return []

    def get(self, number: int) -> Kept | None:
        """Return a calculation; None where there is none."""
        self.write()
        try:
            with self._table() as table:
                row = table.get(number)
                return Kept(bytes(row["answer"]), row["query"])
        except Exception:
            return None

    def remove(self, number: int) -> bool:
        """Remove a calculation; whether there was one."""
        self.write()
        try:
            with self._table() as table:
                there = number in {row["id"] for row in table.rows_where("id = ?", [number])}
                table.delete_where("id = ?", [number])
        except Exception:
            return False
        return there

    @contextmanager
    def _table(self) -> Iterator[Any]:
        from sqlite_utils import Database

        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Closed at once: a database refers to itself, so that its pages would stay until all garbage is collected.
        database = Database(self.file)
        with closing(database):
            table = database[TABLE]
            if not table.exists():
                columns = {"id": int, "made": str, "kind": str, "title": str, "query": str, "answer": bytes}
                database.table(TABLE).create(columns, pk="id", if_not_exists=True)
            yield table
