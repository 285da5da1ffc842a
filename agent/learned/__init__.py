"""Classifiers learned from examples: words in buckets, a regression or a network, weights kept as whole numbers.

    examples ─rows→ rows of features ─regression, network→ weights ─weights: quantised→ files
    features ─weights, with those→ a probability for each class

What the classes and the features are is its users' matter. Nothing here is imported at start.
"""
