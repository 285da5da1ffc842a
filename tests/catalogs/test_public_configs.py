"""The catalog's own answer comes out of a model's public config.json: every layer, every format of its checkpoint.

``tests/fixtures/configs/public.jsonl.gz`` holds the configs of 80 repositories as kept in aiconfigurator 0.12.0
(Apache-2.0), without what says nothing of the architecture.
"""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalogs.catalog import Catalog
from catalogs.configs.architecture import architecture_from_config
from catalogs.matrices import total_parameters
from catalogs.records.models import ModelArchitecture
from tests.every import of_every

FILE = Path(__file__).resolve().parents[1] / "fixtures" / "configs" / "public.jsonl.gz"
CONFIGS = [json.loads(line) for line in gzip.decompress(FILE.read_bytes()).decode().splitlines()]
CATALOG = Catalog.load()
KNOWN_TO_DIFFER = {
    "mistralai/Mixtral-8x22B-v0.1": {"vocabulary"},  # the entry is of v0.3, 768 tokens more
    "nvidia/MiniMax-M2.7-NVFP4": {"max_context"},  # the quantiser's copy of the config states less
    "zai-org/GLM-5.3": {"precision", "block"},  # the repository holds FP8 since; its BF16 copy is another
    "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-NVFP4": {"wide"},  # the copy lacks what is left wide; the bytes tell
}


def layers(model: ModelArchitecture) -> Counter[str]:
    return Counter({repr((group.attention, group.feed_forward)): group.count for group in model.layers})


AGAIN = ("zai-org/GLM-5.1-FP8", "zai-org/GLM-5.2-FP8", "zai-org/GLM-5.3-FP8")
"""Whose modules, left wide by name in their thousands, take a second to tell apart, as do those of GLM-5-FP8."""


@of_every([row for row in CONFIGS if row["repository"] not in AGAIN], name=lambda row: row["repository"])
def test_a_public_config_gives_the_catalogs_own_answer(row: dict[str, Any]) -> None:
    the_catalogs_own_answer(row)


@pytest.mark.thorough
@of_every([row for row in CONFIGS if row["repository"] in AGAIN], name=lambda row: row["repository"])
def test_another_config_of_thousands_of_names_gives_the_catalogs_own_answer(row: dict[str, Any]) -> None:
    the_catalogs_own_answer(row)


def the_catalogs_own_answer(row: dict[str, Any]) -> None:
    read = architecture_from_config(row["config"], name=row["repository"])
    known = CATALOG.model(row["repository"])
    differing = {
        name
        for name in ("hidden_size", "vocabulary", "max_context", "tied_embeddings")
        if getattr(read, name) != getattr(known.model, name)
    }
    assert layers(read) == layers(known.model)
    assert total_parameters(read) == pytest.approx(total_parameters(known.model), rel=0.01)
    if known.checkpoint is not None:
        described = read.checkpoints[0]
        differing |= {
            name
            for name in ("precision", "bits", "block", "group", "formats", "part_bits", "wide", "static_scales")
            if getattr(described, name) != getattr(known.checkpoint, name)
        }
    assert differing <= KNOWN_TO_DIFFER.get(row["repository"], set())
