"""How any figure of a plan came about: its formula, what enters it as the engine's own parts, and the figure again.

``formulas`` has one line for each kind of figure, ``arithmetic`` evaluates it, ``derivation`` puts them together. The
values between the plan's own figures are of ``engine/planning/workings.py``.
"""
