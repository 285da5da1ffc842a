"""How a plan is reported: its screenful, the sections of the full report, or why there is none.

Figures of a plan enter, blocks of words come out; no renderer is known here.
"""
