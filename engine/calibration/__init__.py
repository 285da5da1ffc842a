"""Calibrations: constants of a runtime from somebody's own measurements, how sure they are, what to measure next.

Measured points enter, read; it writes no file and asks nobody for what they lack.
"""
