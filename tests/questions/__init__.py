"""A fixed set of questions at every door, and a program that compares the answers of two checkouts."""
