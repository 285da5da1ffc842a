"""What the catalogs hold: one strict, frozen record for each kind of fact, a module for each family of kinds.

Values of files enter; how files are found and read is in ``catalogs/entry_files.py``.
"""
