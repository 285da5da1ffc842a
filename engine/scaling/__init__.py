"""The autoscaler: its thresholds, its controller, and a fluid replay of the minutes of a day or a week.

Demand, a replica's load curve and thresholds enter; no single request does.
"""
