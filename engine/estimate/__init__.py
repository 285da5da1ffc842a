"""One replica at a given load, and the derivation of each of its figures.

A spec and loads enter; no fleet, no price.
"""
