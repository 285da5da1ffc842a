"""What is said beside a plan or a variant of it: what a change moved along, where the cheapest was sought, what to ask.

Plans enter, sentences leave; the conversation's state is read and stays as it is.
"""
