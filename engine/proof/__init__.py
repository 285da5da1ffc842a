"""What a plan is checked with before it is shown: its peak hour simulated, its day replayed, steep minutes drawn.

The chosen fleet enters; verdicts, corrections and records leave as values from which the plan is built.
"""
