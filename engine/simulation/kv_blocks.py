"""KV blocks of a replica: how many are used, how long the rest lasts, and whom to preempt when none is left."""

from typing import Any

from engine.simulation.columns import (
    ADMITTED,
    CONTEXT,
    DECODING,
    DONE,
    HEAD,
    ID_BITS,
    ITERATION,
    LAST,
    PARTIAL,
    PREEMPTIONS,
    RequestColumns,
    State,
)
from engine.simulation.heaps import remove


def make_room(
    replica: int, clock: float, block: int, blocks: int, windows: Any, requests: RequestColumns, state: State
) -> int:
    """Preempt the last admitted until every decoding request has a block for its next token; return how many.

    Args:
        replica: by number.
        clock: of the replica, seconds.
        block: tokens of a block.
        blocks: of the KV pool.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        state: of all replicas.
    """
    prompt, output, following = requests.prompt, requests.output, requests.following
    emitted, ends, waits_since = requests.emitted, requests.ends, requests.waits_since
    numbers, heap = state.integers[replica], state.heaps[replica]
    phase, order = state.phases[replica], state.orders[replica]
    sums, counts = state.window_tokens[replica], state.window_short[replica]
    kinds = len(windows) + 1
    iteration = numbers[ITERATION]
    count = 0
    while True:
        held = (numbers[DONE] + block - 1) // block if numbers[PARTIAL] >= 0 else 0
        free = blocks - held - used_blocks(phase, iteration, numbers[CONTEXT], block)
        if phase[(iteration + 1) % block] <= free:
            return count
        numbers[ADMITTED] -= 1
        victim = order[numbers[ADMITTED]]
        if ends[victim] < 0:
            continue
        if victim == numbers[PARTIAL]:
            numbers[PARTIAL] = -1
        else:
            left = ends[victim] - iteration
            size = prompt[victim] + output[victim] - 1 - left
            emitted[victim] = output[victim] - left
            numbers[DECODING] -= 1
            numbers[CONTEXT] -= size
            phase[(iteration + 1 - size) % block] -= 1
            remove(heap, ((ends[victim] * kinds) << ID_BITS) | victim)
            for w in range(kinds - 1):
                sums[w] -= min(size, windows[w])
                if size < windows[w]:
                    counts[w] -= 1
                    if windows[w] - size < left:
                        remove(heap, (((iteration + windows[w] - size) * kinds + w + 1) << ID_BITS) | victim)
        ends[victim] = -1
        requests.preempted[victim] += 1
        numbers[PREEMPTIONS] += 1
        if waits_since[victim] < 0.0:
            waits_since[victim] = clock
        following[victim] = numbers[HEAD]
        if numbers[HEAD] < 0:
            numbers[LAST] = victim
        numbers[HEAD] = victim
        count += 1


def used_blocks(phase: Any, iteration: int, context: int, block: int) -> int:
    """Return the KV blocks of all decoding requests: tokens and what is unused of each last block.

    Args:
        phase: decoding requests by the phase at which they take a new block.
        iteration: decoding steps so far.
        context: tokens of all decoding requests.
        block: tokens of a block.
    """
    unused = 0
    for place in range(block):
        unused += phase[place] * ((block - 1 - iteration + place) % block)
    return (context + unused) // block


def steps_that_fit(phase: Any, iteration: int, decoding: int, blocks: int, context: int, most: int, block: int) -> int:
    """Return how many decoding steps the free blocks allow.

    Args:
        phase: decoding requests by the phase at which they take a new block.
        iteration: decoding steps so far.
        decoding: requests.
        blocks: of the KV pool.
        context: tokens of all decoding requests.
        most: steps at most.
        block: tokens of a block.
    """
    free = blocks - used_blocks(phase, iteration, context, block)
    cycles = min(most // block, free // decoding)
    free -= cycles * decoding
    steps = cycles * block
    while steps < most:
        free -= phase[(iteration + steps + 1) % block]
        if free < 0:
            break
        steps += 1
    return steps


def compacted(order: Any, ends: Any) -> int:
    """Drop the requests that ended from the order of admission; return how many are left."""
    places = 0
    for place in range(len(order)):
        if ends[order[place]] >= 0:
            order[places] = order[place]
            places += 1
    return places
