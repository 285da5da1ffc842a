"""The words of a conversation: its state, the slots it fills, its questions, and how an answer is shown.

No plan is made and no line is read here.
"""
