"""Calculations that were made for clients, in a database of one file; a file that refuses never costs an answer."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

MOST_KEPT: Final = 10_000
TABLE: Final = "calculations"


class Calculation(Struct, frozen=True):
    """One that is kept, without its answer."""

    id: int
    made: str
    """UTC, to the second."""
    kind: str
    title: str
    query: str
    """Of the page that shows it again; empty where a program asked."""


class History:
    """The file of calculations. Each call opens it for itself: they come from several threads."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def keep(self, kind: str, title: str, query: str, answer: bytes) -> int | None:
        """Keep a calculation and return its number, the last one's where that is the same; None where the file refuses.

        Args:
            kind: of the request.
            title: its answer in a line.
            query: of the page that shows it again; empty where a program asked.
            answer: JSON.
        """
        try:
            table = self._table()
            last = next(iter(table.rows_where(order_by="id desc", limit=1)), None)
            if last and last["answer"] == answer:
                return int(last["id"])
            made = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            row = {"made": made, "kind": kind, "title": title, "query": query, "answer": answer}
            kept = int(table.insert(row).last_pk)
            table.delete_where("id <= ?", [kept - MOST_KEPT])
        except Exception:
            return None  # damaged, locked, full or read-only: the answer is worth more than its copy
        return kept

    def all(self, most: int = 200) -> list[Calculation]:
        """Return the calculations, the newest first; none where the file cannot be read."""
        try:
            columns = ", ".join(Calculation.__struct_fields__)
            rows = self._table().db.query(f"select {columns} from {TABLE} order by id desc limit ?", [most])
            return [Calculation(**row) for row in rows]
        except Exception:
            return []

    def answer(self, number: int) -> bytes | None:
        """Return the answer of a calculation; None where there is none."""
        try:
            return bytes(self._table().get(number)["answer"])
        except Exception:
            return None

    def remove(self, number: int) -> bool:
        """Remove a calculation; whether there was one."""
        try:
            table = self._table()
            there = number in {row["id"] for row in table.rows_where("id = ?", [number])}
            table.delete_where("id = ?", [number])
        except Exception:
            return False
        return there

    def _table(self) -> Any:
        from sqlite_utils import Database

        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(self.file)
        table = database[TABLE]
        if not table.exists():
            columns = {"id": int, "made": str, "kind": str, "title": str, "query": str, "answer": bytes}
            database.table(TABLE).create(columns, pk="id", if_not_exists=True)
        return table
