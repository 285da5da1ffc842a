"""Learn what lines ask of a plan: `python -m agent.after_plan.acts` prints the cross-validation and writes weights.

`python -m agent.after_plan.acts --only` writes weights alone.
"""

import sys

from agent.after_plan.acts.learning import cross_validation, learn
from agent.after_plan.readings import SURE

if "--only" not in sys.argv:
    for left_out in cross_validation():
        for act, taken_for, probability, phrasing in left_out.mistaken:
            print(f"{left_out.voice:12} {act:18} taken for {taken_for:18} {probability:4.0%}  {phrasing}")
        answered, right = left_out.answered(SURE)
        print(
            f"{left_out.voice}: {left_out.phrasings:,} phrasings, none learned from: {left_out.right:.1%} right, "
            f"{left_out.among_two:.1%} among the two likeliest; {answered:.1%} answered, {right:.1%} of those right."
        )
learn()
