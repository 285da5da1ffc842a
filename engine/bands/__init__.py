"""How far off a figure may be: error bands by the kind of case, and a sentence for cases beyond all data.

Kinds of cases and fitted spreads enter; figures are widened elsewhere.
"""
