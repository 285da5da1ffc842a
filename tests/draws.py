"""How many examples a property test draws."""

from hypothesis import settings


def draws(count: int) -> int:
    """Return how many: ``count`` under the profiles "thorough" and "explore", half as many usually, five at least."""
    return max(settings().max_examples * count // 100, 5)
