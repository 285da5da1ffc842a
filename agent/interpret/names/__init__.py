"""Names of the catalog in a line: models, accelerators, machines, providers, however they are written.

May import words and facts.
"""
