"""Predictions held against published measurements: points, the prediction of each, errors and their summary.

Rows of measurements enter as values; nothing is fitted here.
"""
