"""KV blocks of a replica: how many are used, how long the rest lasts, and whom to preempt when none is left."""

from typing import Any

from engine.simulation.columns import (
    ADMITTED,
    CONTEXT,
    DECODING,
    DONE,
    EMPTY,
    GIVEN_BACK,
    HEAD,
    ID_BITS,
    ITERATION,
    LAST,
    LINGERING,
    LINGERING_BLOCKS,
    LINGERING_FULL,
    PARTIAL,
    PREEMPTIONS,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.heaps import remove


def make_room(
    replica: int, clock: float, policy: Policy, windows: Any, requests: RequestColumns, state: State
) -> int:
    """Preempt the last admitted until every decoding request has a block for its next token; return how many.

    Args:
        replica: by number.
        clock: of the replica, seconds.
        policy: of the scheduler.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        state: of all replicas.
    """
    prompt, output, following = requests.prompt, requests.output, requests.following
    emitted, ends, waits_since = requests.emitted, requests.ends, requests.waits_since
    block, blocks, caching, keeping = policy.block, policy.blocks, policy.caching, policy.lingering
    numbers, heap = state.integers[replica], state.heaps[replica]
    phase, order = state.phases[replica], state.orders[replica]
    sums, counts = state.window_tokens[replica], state.window_short[replica]
    kinds = len(windows) + 1
    iteration = numbers[ITERATION]
    count, full_last = 0, 0
    while True:
        held = (numbers[DONE] + block - 1) // block if numbers[PARTIAL] >= 0 else 0
        free = blocks - numbers[LINGERING_BLOCKS] - held - used_blocks(phase, iteration, numbers[CONTEXT], block)
        if phase[(iteration + 1) % block] <= free:
            if count:
                # Nothing was free when the last victim was preempted; of its blocks some are taken already.
                free -= phase[(iteration + 1) % block]
                numbers[EMPTY] = max(free - full_last, 0)
            return count
        numbers[ADMITTED] -= 1
        victim = order[numbers[ADMITTED]]
        if ends[victim] < 0:
            # Who ended in the last step keeps its blocks for this scheduling, but is not spared either.
            if numbers[LINGERING] and ends[victim] == -1 and requests.finish[victim] == clock:
                size = prompt[victim] + output[victim] - 1
                full_last = known_tokens(victim, size, output[victim], emitted, keeping) // block
                numbers[LINGERING] -= 1
                numbers[LINGERING_BLOCKS] -= (size + block - 1) // block
                numbers[LINGERING_FULL] -= size // block
                numbers[GIVEN_BACK] += full_last
                ends[victim] = -2  # a second entry of it in the order counts no more
                count += 1
            continue
        if victim == numbers[PARTIAL]:
            numbers[PARTIAL] = -1
            if caching:
                full_last = numbers[DONE] // block
                keep_blocks(victim, full_last, numbers, requests)
        else:
            left = ends[victim] - iteration
            size = prompt[victim] + output[victim] - 1 - left
            if caching:
                full_last = known_tokens(victim, size, output[victim] - left, emitted, keeping) // block
                keep_blocks(victim, full_last, numbers, requests)
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


def known_tokens(one: int, size: int, tokens: int, emitted: Any, keeping: int) -> int:
    """Return how many of a request's tokens were known when its blocks were last made findable.

    Where a step is composed while the one before runs, the token of that one is not known yet, unless a prefill ends.

    Args:
        one: the request.
        size: tokens whose KV it holds.
        tokens: of its answer that it has.
        emitted: by request, those that came before its last prefill.
        keeping: steps are composed while the one before runs.
    """
    return size - (1 if keeping and tokens > emitted[one] + 1 else 0)


def keep_blocks(one: int, full: int, numbers: Any, requests: RequestColumns) -> None:
    """Put the full blocks of a request that is preempted at the end of the line of free ones.

    Args:
        one: the request.
        full: such blocks.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    numbers[GIVEN_BACK] += full
    requests.kept[one] = full
    requests.kept_until[one] = numbers[GIVEN_BACK]


def release(numbers: Any) -> None:
    """Give back what those held who ended with the step before the last."""
    numbers[GIVEN_BACK] += numbers[LINGERING_FULL]
    numbers[EMPTY] += numbers[LINGERING_BLOCKS] - numbers[LINGERING_FULL]
    numbers[LINGERING] = numbers[LINGERING_BLOCKS] = numbers[LINGERING_FULL] = 0


def empty_after(phase: Any, iteration: int, many: int, empty: int, block: int) -> int:
    """Return the free blocks in which nothing can be found that so many decoding steps leave.

    Args:
        phase: decoding requests by the phase at which they take a new block.
        iteration: decoding steps so far.
        many: steps to come.
        empty: such blocks now.
        block: tokens of a block.
    """
    for step in range(many):
        empty -= phase[(iteration + 1 + step) % block]
        if empty <= 0:
            return 0
    return empty


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
