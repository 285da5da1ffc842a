"""How many requests, and when: rates, people and their habits, turns, peaks, growth, rows of workloads.

May import words and facts.
"""
