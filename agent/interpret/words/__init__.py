"""A line as words: what is pasted, other languages and slips put right, numbers, units and phrases joined.

May import nothing of its neighbours.
"""
