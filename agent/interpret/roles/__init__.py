"""A second reader of a line, learned from lines whose figures were marked by hand: what each figure is.

    hands/*.txt ─learning: `python -m agent.interpret.roles`→ weights.npy, rarity.npy, learned.json
    items of a line ─figures→ features ─reader, with those→ a probability for each role of each figure

Where it disagrees with the rules, ``agent.interpret.doubts`` asks. To teach it is a line of a file in ``hands/`` and
that command; each file is by another hand, so that what is learned from some can be tried on another.
"""
