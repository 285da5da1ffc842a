"""Tokens of prompts and answers, and the seconds that are allowed: wholes, and sums of parts.

May import words and facts.
"""
