"""A link that somebody shared opens the same question for ever."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from catalogs.catalog import Catalog
from commands.serve.answers.work import Desk, asked, from_flags
from commands.serve.page import FIRST, LISTS, SEED, field_names, known

RECORDED = [json.loads(line) for line in Path(__file__).with_name("links.jsonl").read_text("utf-8").splitlines()]
"""Links and what they state, by path. Lines are added and never changed: those links are in tickets and documents."""
DESK = Desk(Catalog.load([]))


def texts_of(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def stated(texts: Mapping[str, str]) -> Any:
    """Return what fields state, names as the catalog has them; not what a preset or a default makes of it."""
    statement = from_flags(known(texts))
    resolved = asked([statement], DESK).values
    return json.loads(json.dumps({path: resolved.get(path, value) for path, value in statement.values.items()}))


@pytest.mark.parametrize("record", RECORDED, ids=lambda record: str(record["link"])[2:60])
def test_a_recorded_link_means_what_it_meant(record: Mapping[str, Any]) -> None:
    texts = texts_of(record["link"])
    assert known(texts) == texts, "each of its fields is still one"
    assert stated(texts) == record["means"]
    assert stated(texts_of(f"/?{urlencode(texts)}")) == record["means"], "as the page writes it again"
    asked([from_flags(texts)], DESK).completed()


def test_each_field_has_a_recorded_link() -> None:
    """Whoever adds a field records a link with it (a line of links.jsonl), so that it keeps its name and its units."""
    recorded = {name for record in RECORDED for name in texts_of(record["link"])}
    assert field_names() == recorded


def test_what_the_page_sets_apart_are_fields() -> None:
    assert field_names() >= {*SEED, *FIRST, *LISTS}
