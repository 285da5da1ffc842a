"""Agents' workflows on replicas, turn by turn: a call is sent when all that it waits for are done and its tools ran."""

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np
from msgspec import Struct

from catalogs.errors import InputError
from catalogs.records.workflows import AgentWorkflow
from engine.arrays import Floats, Ints
from engine.fleet.candidates import Candidates
from engine.question.calls import Call, calls_of
from engine.simulation.columns import NEVER
from engine.simulation.fleet_state import FleetState, Served
from engine.simulation.requests import requests_of
from engine.simulation.routing import DEFAULT_ROUTING, GIVEN, choices, kind_of
from engine.simulation.serving import one_event, take
from engine.simulation.simulate import loops_for
from engine.simulation.step_model import step_model_of
from engine.simulation.tournament import put

WARMING = 0.25
"""Share of the workflows that begin before anything is counted, and after the last that is."""


class SimulatedWorkflows(Struct, frozen=True):
    """How long workflows took; those at the beginning and the end only keep the replicas busy."""

    workflows: int
    """Counted."""
    calls: int
    """Of all workflows."""
    mean_s: float
    p50_s: float
    p95_s: float
    in_flight: float
    """Workflows at a time, on average over those counted."""
    call_s: tuple[float, ...]
    """Mean time of each call, from its sending to its last token."""
    ttft_s: tuple[float, ...]


class DrawnWorkflows(Struct, frozen=True):
    """Workflows with their lengths; all arrays (workflows, calls)."""

    prompt: Ints
    computed: Ints
    output: Ints
    tool_s: Floats


def drawn_workflows(workflow: AgentWorkflow, calls: Sequence[Call], count: int, seed: int) -> DrawnWorkflows:
    """Return workflows whose answers and tool times are drawn; each context grows by what was answered in it.

    Args:
        calls: of it, as ``calls_of`` returns them.
        seed: of all draws.
    """
    random, shape = np.random.default_rng((seed, 5)), (count, len(calls))
    output = np.maximum(_lognormal(random, [c.output for c in calls], [c.output_cv for c in calls], shape).round(), 1.0)
    tool_s = _lognormal(random, [c.tool_s for c in calls], [c.tool_cv for c in calls], shape)
    prompt, computed = np.zeros(shape), np.zeros(shape)
    context, at = np.full(count, workflow.context_tokens), 0
    for step in workflow.steps:
        last = []
        for _ in range(step.branches):
            own = context
            for _ in range(step.calls):
                prompt[:, at] = own + step.new_tokens
                computed[:, at] = step.new_tokens + (1 - workflow.prefix_reuse) * own
                own = prompt[:, at] + output[:, at]
                at += 1
            last.append(output[:, at - 1])
        context = own if step.branches == 1 else context + sum(last)
    whole = np.maximum(prompt.round(), 1.0)
    return DrawnWorkflows(
        whole.astype(np.int64), np.clip(computed.round(), 1.0, whole).astype(np.int64), output.astype(np.int64), tool_s
    )


def _lognormal(random: np.random.Generator, means: list[float], cvs: list[float], shape: tuple[int, int]) -> Floats:
    mean, sigma = np.array(means), np.sqrt(np.log1p(np.array(cvs) ** 2))
    return mean * np.exp(sigma * random.standard_normal(shape) - sigma**2 / 2)


def simulate_workflows(
    workflow: AgentWorkflow,
    candidate: Candidates,
    replicas: int,
    workflows_per_s: float,
    *,
    count: int = 200,
    seed: int = 0,
) -> SimulatedWorkflows:
    """Return what a fleet makes of workflows that begin at random moments, each of their calls simulated.

    Args:
        workflow: that all of them are.
        candidate: an array of one; its question is that of the workflow.
        workflows_per_s: over the whole fleet.
        seed: of all draws.

    Raises:
        InputError: a call that does not fit into the KV pool.
    """
    calls, question = calls_of(workflow), candidate.question
    drawn = drawn_workflows(workflow, calls, count, seed)
    model = step_model_of(candidate)
    scheduler = question.runtime.scheduler_on(candidate.accelerator(0))
    fleet = _WorkflowFleet(model, scheduler, replicas, DEFAULT_ROUTING, seed, loops_for("plain", 0))
    begins = np.cumsum(np.random.default_rng((seed, 6)).exponential(1 / workflows_per_s, count))
    edge = int(WARMING * count)
    counted = slice(edge, count - edge)
    if count - 2 * edge > 1:  # as many a second as were asked for begin in what is counted, whatever was drawn
        begins *= (count - 2 * edge - 1) / workflows_per_s / (begins[counted][-1] - begins[counted][0])
    served = fleet.serve_workflows(drawn, calls, begins, model.overhead_s)
    shape = drawn.output.shape
    ends, starts, firsts = (np.full(shape, np.nan) for _ in range(3))
    order = np.unravel_index(served.number, shape)
    ends[order] = served.finish_s + model.overhead_s
    starts[order], firsts[order] = served.arrival_s, served.first_token_s + model.overhead_s
    took = (ends.max(axis=1) - begins)[counted]
    return SimulatedWorkflows(
        workflows=len(took),
        calls=served.number.size,
        mean_s=float(took.mean()),
        p50_s=float(np.quantile(took, 0.5)),
        p95_s=float(np.quantile(took, 0.95)),
        in_flight=float(took.mean() * workflows_per_s),
        call_s=tuple(float(x) for x in (ends - starts)[counted].mean(axis=0)),
        ttft_s=tuple(float(x) for x in (firsts - starts)[counted].mean(axis=0)),
    )


class _WorkflowFleet(FleetState):
    """Replicas of one step model, and workflows whose calls follow from each other."""

    def serve_workflows(
        self, drawn: DrawnWorkflows, calls: Sequence[Call], begins: Floats, overhead_s: float
    ) -> Served:
        """Serve all calls to their end, in plain Python; calls are numbered one workflow after another."""
        count, each = drawn.output.shape
        total = count * each
        requests = requests_of(
            np.repeat(begins, each),
            drawn.prompt.ravel(),
            drawn.output.ravel(),
            (drawn.prompt - drawn.computed).ravel(),
            np.repeat(np.arange(count), each),
        )
        numbers = self._numbered(total)
        if not self.holds(requests).all():
            most = int((requests.input_tokens + requests.output_tokens).max())
            raise InputError(f"a call of {most:,} tokens does not fit into the KV pool of {self.model.kv_tokens:,.0f}")
        columns = self._request_columns(requests)
        chosen, other = (
            part.tolist() for part in choices(self.routing, self.replicas, numbers, requests.prefix, self._random)
        )
        kind = kind_of(self.routing) if self.replicas > 1 else GIVEN
        after: list[list[int]] = [[] for _ in calls]
        for at, call in enumerate(calls):
            for earlier in call.after:
                after[earlier].append(at)
        missing = [len(call.after) for call in calls] * count
        ready = np.repeat(begins, each).tolist()
        tools = drawn.tool_s.ravel().tolist()
        pending: list[tuple[float, int]] = []
        for one in range(total):
            if not missing[one]:
                heappush(pending, (ready[one] + tools[one], one))
        state, model, policy = self._state, self._model, self._policy
        for replica in range(self.replicas):
            put(state.loads, replica, 0)
        latest, noted = self._latest, -1.0
        while True:
            now, first = pending[0][0] if pending else NEVER, state.alarms[1]
            if now == NEVER and first == NEVER:
                return self._collect(columns, numbers)
            if now <= first:
                now, one = heappop(pending)
                ended = now == first and now > noted
                latest = take(one, now, ended, kind, chosen, other, latest, model, columns, state)
                noted = now if now == first else noted
                continue
            for place in range(one_event(now, model, policy, columns, state)):
                done = state.gone[place]
                end = columns.finish[done] + columns.fill[done] + overhead_s
                begin = done - done % each
                for at in after[done % each]:
                    one = begin + at
                    missing[one] -= 1
                    ready[one] = max(ready[one], end)
                    if not missing[one]:
                        heappush(pending, (ready[one] + tools[one], one))
