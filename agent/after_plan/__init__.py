"""The second part of a conversation: what-ifs, variants, comparisons and reasons once there is a plan.

A state with a plan enters; a new state and what is said leave.
"""
