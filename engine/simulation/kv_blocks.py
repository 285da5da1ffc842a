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
    HOLDERS,
    ID_BITS,
    ITERATION,
    LAST,
    LINGERING,
    LINGERING_BLOCKS,
    LINGERING_FULL,
    LINGERING_LONG,
    LINGERING_PROMISED,
    LINGERING_SHARED,
    OF_A_PREFIX,
    PARTIAL,
    PREEMPTIONS,
    THERE,
    TWICE,
    UNTIL,
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
        windows: tokens of each sliding window.
        requests: columns of all requests.
    """
    numbers, phase, order = state.integers[replica], state.phases[replica], state.orders[replica]
    block, iteration = policy.block, numbers[ITERATION]
    count, full = 0, 0
    while True:
        held = (numbers[DONE] + block - 1) // block if numbers[PARTIAL] >= 0 else 0
        used = used_blocks(phase, iteration, numbers[CONTEXT], block) + held
        used += numbers[LINGERING_BLOCKS] - numbers[TWICE]
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
            full = release_early(victim, replica, policy, requests, state)
            count += 1


def preempt(
    victim: int, clock: float, policy: Policy, windows: Any, requests: RequestColumns, replica: int, state: State
) -> int:
    """Put a running request back in front of the line; return how many blocks that can be found again are free now.

    Args:
        victim: the request.
        clock: of the replica, seconds.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        replica: by number.
    """
    full = take_out(victim, policy, windows, requests, replica, state)
    put_in_front(victim, clock, state.integers[replica], requests)
    if policy.caching:
        full = keep_blocks(victim, full, state.integers[replica], requests, state.prefixes[replica])
    return full


def take_out(victim: int, policy: Policy, windows: Any, requests: RequestColumns, replica: int, state: State) -> int:
    """Take a running request out of its replica; return how many of its blocks can be found again.

    Args:
        victim: the request.
        windows: tokens of each sliding window.
        requests: columns of all requests.
        replica: by number.
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
    return full


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


def release_early(one: int, replica: int, policy: Policy, requests: RequestColumns, state: State) -> int:
    """Give back what a request holds that ended with the last step; return how many blocks can be found again.

    Args:
        one: the request.
        replica: by number.
        requests: columns of all requests.
    """
    numbers, groups = state.integers[replica], state.lingering_groups[replica]
    block, output, shared = policy.block, requests.output[one], requests.shared[one]
    size = requests.prompt[one] + output - 1
    before = numbers[GIVEN_BACK]
    numbers[LINGERING] -= 1
    numbers[LINGERING_BLOCKS] -= (size + block - 1) // block
    numbers[LINGERING_FULL] -= size // block - shared
    numbers[GIVEN_BACK] += known_tokens(one, size, output, requests.emitted, policy.lingering) // block - shared
    if shared:
        at = 0
        while groups[2 * at] != requests.group[one]:
            at += 1
        numbers[LINGERING_SHARED] -= 1
        for later in range(at, numbers[LINGERING_SHARED]):
            groups[2 * later] = groups[2 * later + 2]
            groups[2 * later + 1] = groups[2 * later + 3] - (size // block - shared)
        let_go(requests.group[one], shared, numbers, state.prefixes[replica])
    requests.ends[one] = -2  # a second entry of it in the order counts no more
    return numbers[GIVEN_BACK] - before


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


def keep_blocks(one: int, full: int, numbers: Any, requests: RequestColumns, prefixes: Any) -> int:
    """Put the full blocks of a request that is preempted at the end of the line of free ones; return how many.

    Args:
        one: the request.
        full: such blocks, those of a shared prefix among them.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
        prefixes: of the replica, by group.
    """
    before, shared = numbers[GIVEN_BACK], requests.shared[one]
    numbers[GIVEN_BACK] += max(full - shared, 0)
    requests.kept[one] = max(full - shared, 0)
    requests.kept_until[one] = numbers[GIVEN_BACK]
    if shared:
        let_go(requests.group[one], min(full, shared), numbers, prefixes)
    return numbers[GIVEN_BACK] - before


def prefix_there(group: int, line: int, numbers: Any, prefixes: Any) -> int:
    """Return how many blocks of a group's prefix can be found.

    Args:
        group: by number.
        line: free blocks in which something can be found.
        numbers: the replica's integers, by column.
        prefixes: of the replica, by group.
    """
    at = OF_A_PREFIX * group
    there = prefixes[at + THERE]
    if prefixes[at + HOLDERS]:
        return there
    return max(min(prefixes[at + UNTIL] - numbers[GIVEN_BACK] + line, there), 0)


def hold(group: int, blocks: int, numbers: Any, prefixes: Any) -> None:
    """Let one request more hold a group's prefix.

    Args:
        group: by number.
        blocks: of the prefix.
        numbers: the replica's integers, by column.
        prefixes: of the replica, by group.
    """
    at = OF_A_PREFIX * group
    if prefixes[at + HOLDERS]:
        numbers[TWICE] += blocks
    prefixes[at + HOLDERS] += 1
    prefixes[at + THERE] = blocks


def let_go(group: int, blocks: int, numbers: Any, prefixes: Any) -> None:
    """Let a request hold its group's prefix no more; what nobody holds goes to the end of the line of free blocks.

    Args:
        group: by number.
        blocks: of the prefix that the request has.
        numbers: the replica's integers, by column.
        prefixes: of the replica, by group.
    """
    at = OF_A_PREFIX * group
    prefixes[at + HOLDERS] -= 1
    if prefixes[at + HOLDERS]:
        numbers[TWICE] -= blocks
        return
    numbers[GIVEN_BACK] += blocks
    prefixes[at + THERE] = blocks
    prefixes[at + UNTIL] = numbers[GIVEN_BACK]


def close_up(until: int, found: int, head: int, requests: RequestColumns, prefixes: Any) -> None:
    """Move up what stands in the line of free blocks behind some that were found and taken out of it.

    Args:
        until: where these ended.
        found: how many.
        head: first of the requests that wait.
        requests: columns of all requests.
        prefixes: of the replica, by group.
    """
    for at in range(0, len(prefixes), OF_A_PREFIX):
        if prefixes[at + UNTIL] > until:
            prefixes[at + UNTIL] -= found
    one = head
    while one >= 0 and requests.waits_since[one] >= 0.0:
        if requests.kept_until[one] > until:
            requests.kept_until[one] -= found
        one = requests.following[one]


def release(replica: int, state: State) -> None:
    """Give back what those held who ended with the step before the last."""
    numbers, groups, prefixes = state.integers[replica], state.lingering_groups[replica], state.prefixes[replica]
    numbers[EMPTY] += numbers[LINGERING_BLOCKS] - numbers[LINGERING_FULL]
    done = 0
    for at in range(numbers[LINGERING_SHARED]):
        group, before = groups[2 * at], groups[2 * at + 1]
        shared = prefixes[OF_A_PREFIX * group + THERE]
        numbers[EMPTY] -= shared
        numbers[GIVEN_BACK] += before - done
        done = before
        let_go(group, shared, numbers, prefixes)
    numbers[GIVEN_BACK] += numbers[LINGERING_FULL] - done
    numbers[LINGERING_SHARED] = 0
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
