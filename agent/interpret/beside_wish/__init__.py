"""What a line tells beside its wish: what runs now, what is proposed, other times and other people.

May import words, facts and traffic.
"""
