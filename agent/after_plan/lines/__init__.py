"""A line after a plan: what it asks and changes, in how many parts, and whether the answer used what it said.

line ─parts→ its parts ─choosing→ an act or a request each ─answers→ what is said ─accounts→ figures left out
"""
