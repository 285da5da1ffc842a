"""What a line asks of a plan: the acts, the ways in which they are asked, and the classifier learned from them.

    words, a sentence encoder ─`python -m agent.after_plan.acts.distilled`→ meanings.npz
    acts.toml, concepts.toml, meanings.npz ─learning: `python -m agent.after_plan.acts`→ weights.npz, learned.json
    line ─classifier, with those→ acts, the likeliest first, each with its probability

An act says what is wanted; the values in the line are read by rules. To add a way of asking is a line of
``acts.toml`` and that command.
"""
