"""Admission by the answers that clients may yet ask for, as SGLang's: what is promised, and who gives way.

Each running request may ask for the rest of its client's most tokens, of which a share is set aside. The sums hold what
decoding requests may ask for, so that a scheduling needs no loop over them; a request that may ask for more than the
most that is set aside counts as that most for its whole stay. Pools are counted in blocks of one token.
"""

from typing import Any

from engine.simulation.columns import (
    ADMITTED,
    CONTEXT,
    DECODING,
    EMPTY,
    ENDED,
    FULL,
    GHOST_TOKENS,
    GHOSTS,
    GIVEN_BACK,
    HEAD,
    ITERATION,
    LAST,
    LINGERING_BLOCKS,
    LINGERING_FULL,
    LINGERING_LONG,
    LINGERING_PROMISED,
    LINGERING_SHARED,
    LONG,
    PREEMPTIONS,
    PROMISED,
    SHARE,
    STALE_PROMISED,
    TWICE,
    UNKNOWN,
    UNREADY,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.kv_blocks import compacted, let_go, take_out


def set_aside(decoding: int, lingering: int, share: float, numbers: Any, policy: Policy) -> float:
    """Return the tokens that are set aside for what decoding requests may yet ask for.

    Args:
        decoding: requests.
        lingering: requests that ended with the last step, which the scheduler does not know yet.
        share: of what they may ask for.
        numbers: the replica's integers, by column.
    """
    promised = numbers[PROMISED] + numbers[LINGERING_PROMISED] + numbers[STALE_PROMISED]
    if policy.lingering:
        # What the last step gave is not known yet either.
        long = numbers[LONG] + numbers[LINGERING_LONG]
        promised += numbers[UNKNOWN] if numbers[UNKNOWN] >= 0 else decoding + lingering - long
    return promised * (1.0 if policy.whole_answers else share)


def promise(one: int, answered: int, numbers: Any, requests: RequestColumns, policy: Policy) -> None:
    """Count what a request that has begun to decode may yet ask for.

    Args:
        one: the request.
        answered: tokens of its answer that it has.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    if requests.asked[one] - requests.emitted[one] > policy.most_answer:
        numbers[LONG] += 1
        numbers[PROMISED] += policy.most_answer
    else:
        numbers[PROMISED] += requests.asked[one] - answered
        numbers[UNKNOWN] += 1


def end_promise(one: int, answered: int, numbers: Any, requests: RequestColumns, policy: Policy) -> None:
    """Count it no more; where its end is known one scheduling later, as that of one that lingers.

    Args:
        one: the request.
        answered: tokens of its answer that it has.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    long = requests.asked[one] - requests.emitted[one] > policy.most_answer
    left = policy.most_answer if long else requests.asked[one] - answered
    numbers[PROMISED] -= left
    numbers[LONG] -= 1 if long else 0
    if policy.lingering and answered == requests.output[one]:
        numbers[LINGERING_PROMISED] += left
        numbers[LINGERING_LONG] += 1 if long else 0
        if requests.asked[one] > answered or not policy.foresees:
            numbers[GHOSTS] += 1
            numbers[GHOST_TOKENS] += requests.prompt[one] + answered - 1


def leave(one: int, numbers: Any, prefixes: Any, groups: Any, requests: RequestColumns, policy: Policy) -> None:
    """Give up what a request with its whole answer was promised and the blocks it holds, or note that it lingers.

    Args:
        one: the request.
        numbers: the replica's integers, by column.
        prefixes: that the replica holds.
        groups: of the replica's lingering requests with a shared prefix: the prefix, and the full blocks before it.
        requests: columns of all requests.
    """
    prompt, output, block = requests.prompt[one], requests.output[one], policy.block
    group, shared = requests.group[one], requests.shared[one]
    size = prompt + output - 1
    if policy.answering:
        end_promise(one, output, numbers, requests, policy)
    if policy.lingering:
        held = prompt + requests.asked[one] if policy.reserving else size
        numbers[LINGERING_BLOCKS] += (held + block - 1) // block
        numbers[LINGERING_FULL] += size // block - shared
        if shared:
            groups[2 * numbers[LINGERING_SHARED]] = group
            groups[2 * numbers[LINGERING_SHARED] + 1] = numbers[LINGERING_FULL]
            numbers[LINGERING_SHARED] += 1
    elif policy.caching:
        numbers[GIVEN_BACK] += size // block - shared
        numbers[EMPTY] += 1 if size % block else 0
        if shared:
            let_go(group, shared, numbers, prefixes)


def retract(replica: int, clock: float, policy: Policy, windows: Any, requests: RequestColumns, state: State) -> None:
    """Put those with the shortest answers at the end of the line until each of the others has room for a token.

    Of equals the longest prompt goes first, then the last admitted; one at least goes and one stays. The share becomes
    what those who stay have used of theirs, some steps ahead.

    Args:
        replica: by number.
        clock: of the replica, seconds.
        windows: tokens of each sliding window.
        requests: columns of all requests.
    """
    numbers, order = state.integers[replica], state.orders[replica]
    output, ends, iteration = requests.output, requests.ends, numbers[ITERATION]
    numbers[ADMITTED] = compacted(order, numbers[ADMITTED], ends)
    # Sorted by insertion: who was admitted first has mostly the longest answer.
    for place in range(1, numbers[ADMITTED]):
        one = order[place]
        known = known_answer(one, iteration, numbers, requests, policy, state.endings[replica])
        at = place
        while at > 0:
            other = order[at - 1]
            ahead = known_answer(other, iteration, numbers, requests, policy, state.endings[replica])
            if ahead > known or (ahead == known and requests.prompt[other] <= requests.prompt[one]):
                break
            order[at] = other
            at -= 1
        order[at] = one
    while numbers[ADMITTED] > 1:
        numbers[ADMITTED] -= 1
        victim = order[numbers[ADMITTED]]
        known = known_answer(victim, iteration, numbers, requests, policy, state.endings[replica])
        end_promise(victim, output[victim] - (ends[victim] - iteration), numbers, requests, policy)
        held = requests.prompt[victim] + output[victim] - 1 - (ends[victim] - iteration) - requests.shared[victim]
        take_out(victim, policy, windows, requests, replica, state)
        if policy.caching:
            numbers[EMPTY] += held
            if requests.shared[victim]:
                let_go(requests.group[victim], requests.shared[victim], numbers, state.prefixes[replica])
        # A token that was on its way is lost.
        requests.emitted[victim] = known
        if known == 0:
            requests.first_token[victim], requests.fill[victim] = -1.0, 0.0
        elif requests.waits_since[victim] < 0.0:
            requests.waits_since[victim] = clock
        requests.preempted[victim] += 1
        numbers[PREEMPTIONS] += 1
        put_at_end(victim, numbers, requests)
        if (
            numbers[CONTEXT] + numbers[DECODING] + numbers[GHOSTS]
            <= policy.blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
        ):
            break
    used, asked = 0, 1
    for place in range(numbers[ADMITTED]):
        one = order[place]
        used += known_answer(one, iteration, numbers, requests, policy, state.endings[replica]) + policy.steps_ahead
        asked += requests.asked[one]
    state.floats[replica][SHARE] = min(used / asked, 1.0)
    numbers[FULL] = 0


def known_answer(one: int, iteration: int, numbers: Any, requests: RequestColumns, policy: Policy, endings: Any) -> int:
    """Return the tokens of a decoding request's answer that its scheduler knows of.

    Args:
        one: the request.
        iteration: decoding steps so far.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
        endings: requests whose prompt the last step ended.
    """
    answered = requests.output[one] - (requests.ends[one] - iteration)
    if not policy.lingering:
        return answered
    if numbers[ENDED] < 0:
        return answered - 1
    for place in range(numbers[ENDED]):
        if endings[place] == one:
            return answered - 1
    return answered


def put_at_end(one: int, numbers: Any, requests: RequestColumns) -> None:
    """Let a request wait, last of those that can be scheduled.

    Args:
        one: the request.
        numbers: the replica's integers, by column.
        requests: columns of all requests.
    """
    following, until = requests.following, numbers[UNREADY]
    following[one] = until
    if numbers[HEAD] == until:
        if until < 0:
            numbers[LAST] = one
        numbers[HEAD] = one
        return
    before = numbers[HEAD]
    while following[before] != until:
        before = following[before]
    following[before] = one
    if until < 0:
        numbers[LAST] = one
