"""Learn what lines ask of a plan: `python -m agent.after_plan.acts` prints the cross-validation and writes weights."""

from agent.after_plan.acts.learning import cross_validation, learn

result = cross_validation()
for act, taken_for, probability, phrasing in result.mistaken:
    print(f"{act:18} taken for {taken_for:18} {probability:4.0%}  {phrasing}")
print(
    f"{result.phrasings:,} phrasings of {result.acts} acts, a fifth left out at a time: {result.right:.1%} right, "
    f"{result.among_two:.1%} among the two likeliest."
)
learn()
