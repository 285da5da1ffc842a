"""Workflows of agents: what calls a model how often, what waits for what, and how the context grows."""

from typing import Annotated

from msgspec import Meta

from catalogs.records.facts import Fact, NonNegative, Positive, PositiveInt, Record

MOST_CALLS = 10_000
"""Calls of one workflow, at most."""


class WorkflowStep(Record):
    """Calls that follow one another, in one branch or in several that run beside each other."""

    name: str = ""
    calls: PositiveInt = 1
    """One after the other, in each branch."""
    branches: PositiveInt = 1
    """Beside each other; the next step begins when all are done, with what each answered last."""
    new_tokens: NonNegative = 0.0
    """Added to the context before each call: what the user says, what a tool returns."""
    output_tokens: Positive
    """Of an answer, mean, reasoning included; it joins the context."""
    output_cv: NonNegative = 0.8
    """Standard deviation over mean of answers."""
    tool_s: NonNegative = 0.0
    """Before each call: the tools that run, mean seconds."""
    tool_cv: NonNegative = 1.0
    """Standard deviation over mean of that time."""


class AgentWorkflow(Fact):
    """What an agent does for one task."""

    context_tokens: NonNegative = 0.0
    """With which it begins: the system prompt and what describes the tools, alike for all tasks."""
    prefix_reuse: Annotated[float, Meta(ge=0, lt=1)] = 0.95
    """Share of the context so far whose KV is found again by the next call."""
    steps: Annotated[tuple[WorkflowStep, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.call_count > MOST_CALLS:
            raise ValueError(f"{self.call_count:,} calls; up to {MOST_CALLS:,} are accepted")

    @property
    def call_count(self) -> int:
        """Calls of one task."""
        return sum(step.calls * step.branches for step in self.steps)
