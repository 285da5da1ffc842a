"""Answers to what is asked of a plan, by the act that the classifier names; figures come from the plan and the engine.

    act, line, plan ─table.REPLIES→ a reply of one subject: money, load, losses, figures, choices, grounds, scope, prose
                                                             ─→ blocks

A reply reads values in the line (a count, a currency, a percentile), changes no plan and adds none.
"""
