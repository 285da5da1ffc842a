"""Packs of rules looked through: texts in, faults out."""

from collections.abc import Mapping, Sequence

from agent.lint.documents import documents_in
from agent.lint.findings import Finding
from agent.lint.object_rules import object_findings
from agent.lint.packs import pack_of
from agent.lint.query_rules import query_findings
from agent.lint.watched import watched_by
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan, LoadPoint


def linted(
    texts: Mapping[str, str],
    catalog: Catalog,
    *,
    engine: str = "",
    plan: CapacityPlan | None = None,
    curve: Sequence[LoadPoint] = (),
) -> list[Finding]:
    """Return the faults of files that are deployed together, by file and line.

    Args:
        texts: by file name.
        catalog: the facts.
        engine: the runtime that is watched and its version, 'vllm@0.12'; else the plan's, else that whose metrics
            are named, in its newest version.
        plan: that is deployed; without one the rules are held as far as they go.
        curve: one replica at rising loads, instead of the plan's.

    Raises:
        InputError: a file is no YAML, or holds nothing of a pack; the runtime is not known.
    """
    documents = [document for file, text in texts.items() for document in documents_in(text, file)]
    pack = pack_of(documents)
    if not any(isinstance(document.tree, dict) for document in documents):
        raise InputError("there is nothing to look through; give manifests, rules or dashboards in YAML or JSON")
    watched = watched_by(pack, catalog, engine, plan, curve)
    faults = [*object_findings(pack, watched), *(query_findings(pack, watched) if watched else ())]
    order = list(texts)
    unique = dict.fromkeys((order.index(one.file), one.line, int(one.rule[1:]), one) for one in faults)
    return [finding for *_, finding in sorted(unique, key=lambda key: key[:3])]
