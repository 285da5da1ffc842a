"""A plan put under a load in the simulator: for minutes, over a day with its autoscaler, or repeated on other seeds.

A CapacityPlan and the catalog enter; the plan is not changed by what is found.
"""
