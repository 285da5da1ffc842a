"""What was stated and where: flags, files, names and dimensions become values by path, merged with their sources.

Texts enter; a spec with the source of each value leaves.
"""
