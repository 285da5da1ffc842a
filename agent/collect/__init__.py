"""The first part of a conversation: lines are heard, facts proposed and kept, the whole reviewed before it is planned.

A state and a line enter; a new state and what is said leave.
"""
