"""What a line before the plan does: it states, asks, amends what was said, or answers a question of ours.

    an answer to a question that waits ─clarifications→ a reading chosen, or what was said instead
    any other line ─lines→ what it states is heard; what it asks waits for ─early_plans→ a plan with what is usual
    a line that names one of several workloads ─workloads→ the draft of that one goes on, the others wait
    a number in the place of another ─amendments→ all that was said, said again with it
    the same after the plan ─corrections→ a variant with all that follows; a correction is the plan

A state and a line enter; a new state and what is said leave. What a line after the plan does is in ``after_plan``.
"""
