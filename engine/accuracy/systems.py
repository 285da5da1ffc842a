"""Measured systems as step tables: every setting of one model under one runtime that is legal and runs its formats."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import FleetcastError
from catalogs.records.accelerators import Accelerator
from engine.accuracy.points import Setting, System
from engine.arrays import Ints
from engine.fleet.candidates import Candidates, measure, rates_of
from engine.fleet.parallelisms import illegal_because
from engine.question.resolve import Question, resolve
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Rates, Unsupported
from engine.step.table import StepTables
from engine.workload import Hardware, Precisions, Serving, TokenDistribution, Tokens, Traffic, WorkloadSpec


class SystemTables(Struct, frozen=True):
    """The settings of one system that were measured, reduced to step tables."""

    question: Question
    accelerators: tuple[Accelerator, ...]
    rates: tuple[Rates, ...]
    which: Ints
    """By setting: the index of its accelerator and rates."""
    parallelism: Parallelism
    tables: StepTables
    row_of: Mapping[Setting, int]

    def rows(self, settings: Iterable[Setting]) -> Ints:
        """Return the rows of settings."""
        return np.array([self.row_of[setting] for setting in settings], dtype=np.intp)

    def candidates(self, question: Question, rows: Ints) -> Candidates:
        """Return rows as candidates of a question that differs from the system's in its load or scheduler."""
        return measure(question, self.accelerators, self.rates, self.which[rows], self.parallelism.take(rows))


def system_tables(
    system: System, settings: Iterable[Setting], catalog: Catalog
) -> tuple[SystemTables | None, dict[Setting, str]]:
    """Return the step tables of a system, and the settings that have none, each with its reason.

    Args:
        settings: that were measured.
    """
    settings = sorted(settings, key=str)
    try:
        question = _question_of(system, {setting.accelerator for setting in settings}, catalog)
    except FleetcastError as error:
        return None, dict.fromkeys(settings, str(error))
    rates: dict[str, Rates] = {}
    unsupported: dict[str, str] = {}
    for accelerator in question.accelerators:
        try:
            rates[accelerator.id] = rates_of(question, accelerator)
        except Unsupported as refusal:
            unsupported[accelerator.id] = refusal.reason
    reasons = {
        setting: unsupported.get(setting.accelerator)
        or illegal_because(question, ParallelSizes(setting.tp, setting.pp, setting.dp, setting.ep))
        for setting in settings
    }
    refused = {setting: reason for setting, reason in reasons.items() if reason}
    legal = [setting for setting in settings if setting not in refused]
    return _tables(question, rates, legal) if legal else None, refused


def _question_of(system: System, accelerators: Iterable[str], catalog: Catalog) -> Question:
    """Return a question about a system; its load is a stand-in."""
    one_token = TokenDistribution(mean=1, cv=0)
    spec = WorkloadSpec(
        traffic=Traffic(concurrency=1),
        tokens=Tokens(input=one_token, output=one_token, router_skew=system.router_skew, sampling=system.sampling),
        model=system.model,
        precision=Precisions(weights=system.weights, kv_cache=system.kv_cache),
        serving=Serving(runtime=system.runtime_name),
        hardware=Hardware(accelerators=tuple(sorted(accelerators))),
    )
    return resolve(spec, catalog)


def _tables(question: Question, rates: Mapping[str, Rates], settings: Sequence[Setting]) -> SystemTables:
    accelerators = tuple(accelerator for accelerator in question.accelerators if accelerator.id in rates)
    index = {name: position for position, name in enumerate(rates)}
    which = np.array([index[setting.accelerator] for setting in settings], dtype=np.int64)
    axes = np.array([(s.tp, s.pp, s.dp, s.ep) for s in settings], dtype=np.int64)
    parallelism = Parallelism(*axes.T)
    candidates = measure(question, accelerators, tuple(rates.values()), which, parallelism)
    row_of = {setting: row for row, setting in enumerate(settings)}
    return SystemTables(
        question, accelerators, tuple(rates.values()), which, parallelism, candidates.plain_tables(), row_of
    )
