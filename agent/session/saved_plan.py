"""A saved plan as the state of a conversation, so that what-ifs of it are those of the conversation."""

from collections import defaultdict
from typing import Any

from msgspec.structs import replace

from agent.statements.merged import ORDER
from agent.talk.state import Branch, State
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan
from engine.workload import SourceKind, Statement, targets_by_default


def state_of(plan: CapacityPlan, catalog: Catalog) -> State:
    """Return the state in which a plan is the first branch, its values said as they were when it was made.

    A plan may be a stranger's: its model is the catalog's or has its architecture in the plan, so that no file and no
    repository is read for it.

    Raises:
        InputError: the plan names a model that neither holds.
    """
    if plan.spec.architecture is None:
        catalog.model(plan.spec.model)
    by_kind: dict[SourceKind, dict[str, Any]] = defaultdict(dict)
    details: dict[SourceKind, dict[str, str]] = defaultdict(dict)
    # What held by default is nobody's wish: it is found anew, for whatever is asked next.
    stated = tuple(target for target in plan.spec.targets if not targets_by_default(plan.sources, target.metric))
    spec = replace(plan.spec, targets=stated)
    for path, source in plan.sources.items():
        value: Any = spec
        for step in path.split("."):
            value = getattr(value, step, None)
        if source.kind != "default" and value not in (None, ()):
            by_kind[source.kind][path] = value
            details[source.kind][path] = source.detail
    if plan.spec.architecture is not None:
        by_kind["file"]["architecture"] = plan.spec.architecture
    statements = tuple(Statement(kind, by_kind[kind], details[kind]) for kind in ORDER if by_kind[kind])
    branch = Branch(0, "the plan as it was saved", 0, statements, frozenset(), plan, spec)
    return State(phase="planned", statements=statements, branches=(branch,))
