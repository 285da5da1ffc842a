"""A conversation in a real terminal: the session that goes on, its line editor, and the files in which it is kept.

The only modules of ``agent`` that read the terminal or write files are here.
"""
