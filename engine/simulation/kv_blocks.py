"""KV blocks of a replica: how many are used, how long the rest lasts, and whom to preempt when none is left."""

from typing import Any

from engine.simulation.columns import (
    ADMITTED,
    CONTEXT,
    DECODING,
    DONE,
    EMPTY,
    GHOST_TOKENS,
    GHOSTS,
    GIVEN_BACK,
    HEAD,
    ID_BITS,
    ITERATION,
    LAST,
    LINGERING,
    LINGERING_BLOCKS,
    LINGERING_FULL,
    LINGERING_LONG,
    LINGERING_PROMISED,
    PARTIAL,
    PREEMPTIONS,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.heaps import remove


def make_room(replica: int, clock: float, policy: Policy, windows: Any, requests: RequestColumns, state: State) -> int:
    """Preempt the last admitted until every decoding request has a block for its next token; return how many.

    Args:
        replica: by number.
        clock: of the replica, seconds.
        policy: of the scheduler.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        state: of all replicas.
    """
    numbers, phase, order = state.integers[replica], state.phases[replica], state.orders[replica]
    block, iteration = policy.block, numbers[ITERATION]
    count, full = 0, 0
    while True:
        held = (numbers[DONE] + block - 1) // block if numbers[PARTIAL] >= 0 else 0
        used = used_blocks(phase, iteration, numbers[CONTEXT], block) + held + numbers[LINGERING_BLOCKS]
        free = policy.blocks - used - phase[(iteration + 1) % block]
        if free >= 0:
            if count:
                # Nothing was free when the last one was preempted; others have some of its blocks already.
                numbers[EMPTY] = max(free - full, 0)
            return count
        numbers[ADMITTED] -= 1
        victim = order[numbers[ADMITTED]]
        if requests.ends[victim] >= 0:
            full = preempt(victim, clock, policy, windows, requests, replica, state)
            count += 1
        elif numbers[LINGERING] and requests.ends[victim] == -1 and requests.finish[victim] == clock:
            full = release_early(victim, policy, numbers, requests)
            count += 1


def preempt(
    victim: int, clock: float, policy: Policy, windows: Any, requests: RequestColumns, replica: int, state: State
) -> int:
    """Put a running request back in front of the line; return how many of its blocks can be found again.

    Args:
        victim: the request.
        clock: of the replica, seconds.
        policy: of the scheduler.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        replica: by number.
        state: of all replicas.
    """
    full = take_out(victim, policy, windows, requests, replica, state)
    put_in_front(victim, clock, state.integers[replica], requests)
    if policy.caching:
        keep_blocks(victim, full, state.integers[replica], requests)
    return full


def take_out(victim: int, policy: Policy, windows: Any, requests: RequestColumns, replica: int, state: State) -> int:
    """Take a running request out of its replica; return how many of its blocks can be found again.

    Args:
        victim: the request.
        policy: of the scheduler.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        replica: by number.
        state: of all replicas.
    """
    emitted, ends = requests.emitted, requests.ends
    numbers, heap = state.integers[replica], state.heaps[replica]
    sums, counts = state.window_tokens[replica], state.window_short[replica]
    kinds = len(windows) + 1
    iteration = numbers[ITERATION]
    if victim == numbers[PARTIAL]:
        full = numbers[DONE] // policy.block
        numbers[PARTIAL] = -1
    else:
        left = ends[victim] - iteration
        size = requests.prompt[victim] + requests.output[victim] - 1 - left
        tokens = requests.output[victim] - left
        full = known_tokens(victim, size, tokens, emitted, policy.lingering) // policy.block
        emitted[victim] = tokens
        numbers[DECODING] -= 1
        numbers[CONTEXT] -= size
        state.phases[replica][(iteration + 1 - size) % policy.block] -= 1
        remove(heap, ((ends[victim] * kinds) << ID_BITS) | victim)
        for w in range(kinds - 1):
            sums[w] -= min(size, windows[w])
            if size < windows[w]:
                counts[w] -= 1
                if windows[w] - size < left:
                    remove(heap, (((iteration + windows[w] - size) * kinds + w + 1) << ID_BITS) | victim)
    ends[victim] = -1
    return full  # type: ignore[no-any-return]


def put_in_front(one: int, clock: float, numbers: Any, requests: RequestColumns) -> None:
    """Let a preempted request wait, first in line.

    Args:
        one: the request.
        clock: of the replica, seconds.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    requests.preempted[one] += 1
    numbers[PREEMPTIONS] += 1
    if requests.waits_since[one] < 0.0:
        requests.waits_since[one] = clock
    requests.following[one] = numbers[HEAD]
    if numbers[HEAD] < 0:
        numbers[LAST] = one
    numbers[HEAD] = one


def release_early(one: int, policy: Policy, numbers: Any, requests: RequestColumns) -> int:
    """Give back what a request holds that ended with the last step; return how many blocks can be found again.

    Args:
        one: the request.
        policy: of the scheduler.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    block, output = policy.block, requests.output[one]
    size = requests.prompt[one] + output - 1
    full = known_tokens(one, size, output, requests.emitted, policy.lingering) // block
    numbers[LINGERING] -= 1
    numbers[LINGERING_BLOCKS] -= (size + block - 1) // block
    numbers[LINGERING_FULL] -= size // block
    numbers[GIVEN_BACK] += full
    requests.ends[one] = -2  # a second entry of it in the order counts no more
    return full


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
    numbers[LINGERING_PROMISED] = numbers[LINGERING_LONG] = 0
    numbers[GHOSTS] = numbers[GHOST_TOKENS] = 0


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


def compacted(order: Any, entries: int, ends: Any) -> int:
    """Drop the requests that ended from the order of admission; return how many are left.

    Args:
        order: requests by admission.
        entries: of it that count.
        ends: by request, below 0 unless it runs.
    """
    places = 0
    for place in range(entries):
        if ends[order[place]] >= 0:
            order[places] = order[place]
            places += 1
    return places
