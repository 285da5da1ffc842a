"""Classifiers learned from examples: words in buckets, multinomial logistic regression, weights kept as whole numbers.

    examples ─regression→ weights ─weights: quantised→ files
    features ─weights, with those→ a probability for each class

What the classes and the features are is its users' matter. Nothing here is imported at start.
"""
