"""How results are shown: each report is built of blocks that know no renderer, and a renderer draws them.

Figures of the engine and records of the catalog enter; what a person reads comes out.
"""
