"""The fit: constants of kernels and runtimes, and error bands, from measurements.

Points and their predictions enter; entries for ``catalogs/`` leave as text.
"""
