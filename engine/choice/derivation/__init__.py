"""How any figure of a plan or an estimate came about: its formula, what enters it, and the figure again.

``formulas`` has one line for each kind of figure, ``arithmetic`` evaluates it, ``derivation`` puts them together for
plans, ``estimated`` for estimates. The values between their figures are of ``engine/planning/workings.py``.
"""
