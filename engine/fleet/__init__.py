"""Candidates, their number and their price: every legal way to serve a question, sized, priced, ranked.

A resolved Question enters; what the plan says of the winner is in ``engine/planning``.
"""
