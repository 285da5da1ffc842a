"""Plans beside each other, and the choice among all that could be.

May enter: what sorts, filters and tells them apart.
"""
