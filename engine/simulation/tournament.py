"""A tournament: numbers by place of which the least is known at once, and one changes in logarithmic time.

A binary tree in one column: its second half holds the numbers, each node before holds the lesser of its two children,
and node 1 the least of all. Places beyond those in use hold a number larger than any other.
"""

from typing import Any


def put(tree: Any, place: int, value: Any) -> None:
    """Change the number at a place.

    Args:
        tree: the tournament.
        place: of the number.
        value: its new one.
    """
    node = len(tree) // 2 + place
    if tree[node] == value:
        return
    tree[node] = value
    while node > 1:
        beside = tree[node ^ 1]
        if beside < value:  # noqa: PLR1730 — a call would take longer than the rest of this loop
            value = beside
        node //= 2
        if tree[node] == value:
            return
        tree[node] = value


def first_within(tree: Any, begin: int, limit: Any) -> int:
    """Return the first place whose number is at most a limit, or −1.

    Args:
        tree: the tournament.
        begin: the place to look from.
        limit: the largest number that counts.
    """
    places = len(tree) // 2
    node = places + begin if begin > 0 else 1
    while tree[node] > limit:
        # On to the widest subtree that begins where this one ends.
        node += 1
        if node & (node - 1) == 0:
            return -1
        while node & 1 == 0:
            node //= 2
    while node < places:
        node *= 2
        if tree[node] > limit:
            node += 1
    return node - places


def least_of_others(tree: Any, place: int) -> Any:
    """Return the least number at any other place; there are at least two places."""
    node = len(tree) // 2 + place
    least = tree[node ^ 1]
    while node > 3:
        node //= 2
        least = min(least, tree[node ^ 1])
    return least
