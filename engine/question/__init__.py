"""The question made exact: names become catalog records, lengths become strata, limits become numbers of accelerators.

A WorkloadSpec and the catalog enter; what a machine does with it is decided elsewhere.
"""
