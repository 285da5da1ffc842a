"""Property tests draw the same examples on every run, so that a failure is the change's own.

``pytest --hypothesis-profile explore`` draws new ones.
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("same")
