"""How estimates are reported: one in detail, several beside each other, and why each figure is what it is.

Outcomes of the estimate enter, blocks of words come out.
"""
