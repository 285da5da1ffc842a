"""One replica at a given load.

A spec and loads enter; no fleet, no price.
"""
