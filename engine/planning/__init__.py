"""What a plan says: one module for each part of a CapacityPlan, and NoPlan where there is none.

The question and its evaluated candidates enter; nothing is searched or simulated here.
"""
