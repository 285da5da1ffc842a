"""The conversation, and everything that a person sees."""
