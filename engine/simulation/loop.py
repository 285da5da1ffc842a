"""One replica's scheduling loop, first come first served: continuous batching, many decoding steps at once.

At each scheduling point the running requests come first (one token each, then the one prompt that is partly done), then
waiting requests as they arrived while token budget, seats and KV blocks remain. Where nothing but decoding can happen,
the time between two steps grows linearly with the context, so that all steps up to the next completion, arrival or
exhaustion of KV are one sum.

This is the one source of two speeds: it runs as it stands on lists, and compiled on arrays (``compiled``). Hence plain
loops, one long function (a call costs more than the step it would hide) and ``columns`` instead of records.
"""

from math import sqrt

from engine.simulation.answers import leave, promise, retract, set_aside
from engine.simulation.columns import (
    ADMITTED,
    BATCH_SECONDS,
    BUSY,
    CLOCK,
    COMING,
    COMPLETED,
    CONTEXT,
    DECODING,
    DONE,
    EMPTY,
    ENDED,
    FULL,
    GHOST_TOKENS,
    GHOSTS,
    GIVEN_BACK,
    HEAD,
    HOLDERS,
    ID_BITS,
    ID_MASK,
    ITERATION,
    KV_SECONDS,
    LEAVING,
    LINGERING,
    LINGERING_BLOCKS,
    LINGERING_PROMISED,
    LONG,
    NEVER,
    NEWCOMERS,
    OF_A_PREFIX,
    OUTPUT_TOKENS,
    PARTIAL,
    PROMISED,
    PROMPT_TOKENS,
    QUIET,
    RESERVED,
    SHARE,
    SINCE,
    STALE,
    STALE_PROMISED,
    STALL,
    STEPS,
    THERE,
    TURNS_LEFT,
    TWICE,
    UNKNOWN,
    UNREADY,
    UNTIL,
    WAITED,
    WAKE,
    Model,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.gaps import gap, spread
from engine.simulation.heaps import pop, push
from engine.simulation.kv_blocks import (
    close_up,
    compacted,
    empty_after,
    hold,
    keep_blocks,
    make_room,
    prefix_there,
    put_in_front,
    release,
    steps_that_fit,
    used_blocks,
)


def advance(  # noqa: PLR0912, PLR0915 — see the module's docstring
    replica: int, horizon: float, once: bool, model: Model, policy: Policy, requests: RequestColumns, state: State
) -> None:
    """Run a replica as far as arrivals before ``horizon`` determine, and note when it wakes again.

    Args:
        horizon: seconds; no decision is taken at or after it.
        once: return after one event.
    """
    # Each record at once: field by field takes a plain call a third longer.
    (
        step_s,
        beyond_s,
        batch_s,
        weight,
        decode_s,
        decode_context,
        prompt_fixed,
        prompt_token,
        prompt_context,
        windows,
        window_decode,
        window_prompt,
        stages,
        shortest_step,
    ) = model
    (
        budget,
        seats,
        blocks,
        block,
        mixed,
        chunked,
        reserving,
        whole,
        caching,
        later,
        keeping,
        poll,
        batch_wait,
        per_step,
        answering,
        most_answer,
        spare,
        _,
        seated,
        _,
        _,
        first_share,
        least_share,
        share_fall,
    ) = policy
    (
        arrival,
        prompt,
        output,
        asked,
        cached,
        following,
        emitted,
        ends,
        admitted,
        first,
        finish,
        _,
        waits_since,
        fill,
        kept,
        kept_until,
        group,
        shared,
    ) = requests
    integers, floats, heaps, phases, orders, window_tokens, window_short, gaps, edges, seen, endings, gone = state[:12]
    prefixes, lingering_groups = state[14][replica], state[15][replica]
    numbers, times, heap, phase, order = (
        integers[replica],
        floats[replica],
        heaps[replica],
        phases[replica],
        orders[replica],
    )
    ending = endings[replica]
    sums, counts = window_tokens[replica], window_short[replica]
    iteration = numbers[ITERATION]
    decoding = numbers[DECODING]
    context = numbers[CONTEXT]
    partial = numbers[PARTIAL]
    done = numbers[DONE]
    head = numbers[HEAD]
    unready = numbers[UNREADY]
    coming = numbers[COMING]
    since = numbers[SINCE]
    waited = numbers[WAITED]
    reserved = numbers[RESERVED]
    places = numbers[ADMITTED]
    leaving = numbers[LEAVING]
    lingering = numbers[LINGERING]
    pool = blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
    clock = times[CLOCK]
    stall = times[STALL]
    share = times[SHARE]
    stale = numbers[STALE]
    full = numbers[FULL]
    newcomers = numbers[NEWCOMERS]
    turns_left = numbers[TURNS_LEFT]
    completed, steps, prompt_tokens, output_tokens = 0, 0, 0, 0
    # Summed step by step, so that the sums do not depend on how often a replica was left.
    busy, batch_seconds, kv_seconds = times[BUSY], times[BATCH_SECONDS], times[KV_SECONDS]
    sized = len(step_s)
    counting = len(gaps) > 0
    kinds = len(windows) + 1
    coming_at = arrival[coming] if coming >= 0 else NEVER
    wake = NEVER

    while True:
        if clock >= horizon:
            wake = clock
            break
        turns_left -= 1
        if turns_left < 0:
            break
        # --- who can be scheduled ---
        if later:
            unready = coming
        if since >= poll:
            while coming_at <= clock:
                coming = following[coming]
                coming_at = arrival[coming] if coming >= 0 else NEVER
            since = 0
        if not later:
            unready = coming
        if decoding == 0 and partial < 0 and head == unready and numbers[GHOSTS] == 0:
            full = stale = numbers[STALE_PROMISED] = 0
            if lingering:
                release(replica, state)
                lingering, pool = 0, blocks + numbers[TWICE]
            else:
                share = first_share
            if head != coming:
                unready = coming  # seen while nothing runs
            elif coming_at < horizon:
                share = first_share
                clock = max(clock, coming_at)
                since = poll
                continue
            else:
                wake = max(clock, coming_at)
                break
        # --- KV for the decoding requests' next tokens, then prompts ---
        held = (done + block - 1) // block if partial >= 0 else 0
        # At least so many blocks are free when each decoding request has its next token; counted only when too few.
        free = pool - reserved if reserving else pool - context // block - decoding - held
        counted = reserving > 0
        aside, spent = 0.0, 0
        if answering:
            free = pool - context - held
            counted = True
            if decoding + lingering + stale == 0:
                full = 0
        kept_out, settled = 0, not caching
        tokens, attention, prompts, ended = 0, 0.0, 0, 0
        running = decoding + lingering + stale + (1 if partial >= 0 else 0)
        if free < 0 and decoding and mixed:
            numbers[ITERATION], numbers[DECODING], numbers[CONTEXT] = iteration, decoding, context
            numbers[PARTIAL], numbers[DONE], numbers[HEAD], numbers[ADMITTED] = partial, done, head, places
            kept_out = make_room(replica, clock, policy, windows, requests, state)
            decoding, context, partial, head, places = (
                numbers[DECODING],
                numbers[CONTEXT],
                numbers[PARTIAL],
                numbers[HEAD],
                numbers[ADMITTED],
            )
            lingering, pool = numbers[LINGERING], blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
            held = (done + block - 1) // block if partial >= 0 else 0
            free = pool - held - used_blocks(phase, iteration, context, block) - phase[(iteration + 1) % block]
            counted = True
            settled = settled or kept_out > 0
        holding = False
        if partial >= 0 or (head != unready and running < seats and kept_out == 0 and full == 0):
            if answering:
                aside = set_aside(decoding, lingering, share, numbers, policy)
            room = budget - decoding if mixed else budget
            if answering and partial >= 0 and free <= 0:
                room = 0
            # Blocks that this step takes of those that are free.
            taken = 0 if settled or not mixed else phase[(iteration + 1) % block]
            if partial >= 0 and room > 0:
                rest = prompt[partial] + emitted[partial] - done
                chunk = min(rest, room)
                if answering:
                    left = int(free - aside)
                    chunk = min(rest, left if 0 < left < room else room, free)
                    aside += chunk + 1 + (min(asked[partial], most_answer) if chunk == rest else 0)
                    spent += chunk + 1
                    taken += chunk
                more = (done + chunk + block - 1) // block - held
                if not reserving and more > free and not counted:
                    free = pool - held - used_blocks(phase, iteration, context, block)
                    if mixed:
                        free -= phase[(iteration + 1) % block]
                    counted = True
                if not reserving and more > free:
                    # No blocks for its next chunk: it is the last admitted, and goes back in front.
                    ends[partial] = -1
                    numbers[HEAD] = head
                    put_in_front(partial, clock, numbers, requests)
                    if caching:
                        numbers[EMPTY] = max(numbers[EMPTY] - taken, 0) + held - done // block
                        settled = mixed > 0
                        keep_blocks(partial, done // block, numbers, requests, prefixes)
                        pool = blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
                    head = partial
                    partial = -1
                    places -= 1
                    kept_out += 1
                else:
                    if not reserving and not answering:
                        free -= more
                        taken += more
                    attention += chunk * (done + chunk * 0.5)
                    for w in range(kinds - 1):
                        seen[w] = chunk * min(done + chunk * 0.5, 1.0 * windows[w])
                    tokens = chunk
                    room -= chunk
                    prompts = 1
                    if chunk == rest:
                        ending[0] = partial
                        ended = 1
                        partial = -1
                    else:
                        done += chunk
            while head != unready and running < seats and room > 0 and prompts < per_step and kept_out == 0:
                one = head
                start = cached[one]
                found, own, there, beside = 0, 0, 0, 0
                if caching and (kept[one] or shared[one]):
                    if not counted:
                        promised = pool - context // block - decoding - free
                        free = pool - promised - used_blocks(phase, iteration, context, block)
                        if mixed:
                            free -= phase[(iteration + 1) % block]
                        counted = True
                    # Others took from its end so far as the line has moved on.
                    line = free - max(numbers[EMPTY] - taken, 0) - (spent - prompts if answering else 0)
                    if shared[one]:
                        there = prefix_there(group[one], line, numbers, prefixes)
                        if answering and 0 < there < shared[one]:
                            # A radix cache gives a prefix up as a whole.
                            close_up(prefixes[OF_A_PREFIX * group[one] + UNTIL], there, head, requests, prefixes)
                            numbers[GIVEN_BACK] -= there
                            numbers[EMPTY] += there
                            prefixes[OF_A_PREFIX * group[one] + THERE] = there = 0
                        if prefixes[OF_A_PREFIX * group[one] + HOLDERS]:
                            beside = there
                        else:
                            found = there
                    if kept[one] and there == shared[one]:
                        own = max(min(kept_until[one] - numbers[GIVEN_BACK] + line, kept[one]), 0)
                        found += own
                        there += own
                    start = max(start, there * block)
                rest = prompt[one] + emitted[one] - start
                chunk = rest
                if rest > room:
                    if chunked:
                        chunk = room
                    elif tokens > 0 or rest <= budget:
                        break  # a whole prompt waits for room; one longer than the budget runs when it is alone
                more = (prompt[one] + asked[one] if reserving else start + chunk) + block - 1
                more = more // block - beside
                wanted = (prompt[one] + emitted[one] + block - 1) // block - beside if whole else more
                if wanted > free and not answering:
                    if not counted:
                        promised = pool - context // block - decoding - free
                        free = pool - promised - used_blocks(phase, iteration, context, block)
                        if mixed:
                            free -= phase[(iteration + 1) % block]
                        counted = True
                    if wanted > free:
                        break
                if answering:
                    wanted = prompt[one] + emitted[one] - beside + min(asked[one] - emitted[one], most_answer) + spare
                    if wanted >= free - aside:
                        full = 1 if tokens or decoding + lingering + stale else 0
                        break
                    aside += more + 1 + (min(asked[one], most_answer) if chunk == rest else 0)
                    spent += more + 1
                if waited < batch_wait and decoding and tokens == 0:
                    together, other = decoding, one
                    while other != unready and together < budget:
                        together += prompt[other] + emitted[other] - cached[other]
                        other = following[other]
                    if together < budget:
                        holding = True
                        break
                if not answering:
                    free -= more
                if reserving:
                    reserved += more
                head = following[one]
                if caching:
                    taken += more - found
                    if own and len(prefixes):
                        close_up(kept_until[one], own, head, requests, prefixes)
                    if found > own:
                        close_up(prefixes[OF_A_PREFIX * group[one] + UNTIL], found - own, head, requests, prefixes)
                    numbers[GIVEN_BACK] -= found
                    kept[one] = 0
                    if shared[one] and (there or not answering):
                        hold(group[one], shared[one], numbers, prefixes)
                        pool += beside
                        kept[one] = answering  # so that it is known when its prompt ends
                running += 1
                prompts += 1
                if admitted[one] < 0.0:
                    admitted[one] = clock
                ends[one] = 0
                if not reserving:
                    if places == len(order):
                        places = compacted(order, places, ends)
                    order[places] = one
                    places += 1
                attention += chunk * (start + chunk * 0.5)
                for w in range(kinds - 1):
                    seen[w] = chunk * min(start + chunk * 0.5, 1.0 * windows[w]) + (seen[w] if tokens else 0.0)
                tokens += chunk
                room -= chunk
                if chunk == rest:
                    ending[ended] = one
                    ended += 1
                else:
                    partial = one
                    done = start + chunk
                if answering and free - max(aside, spent) <= 0:
                    full = 1
                    break
            if answering and decoding + lingering + stale == 0:
                full = 0  # it was noted of a batch in which nobody decoded
        ghosts = numbers[GHOSTS] if answering and tokens == 0 else 0
        if (
            (lingering or stale)
            and tokens == 0
            and (decoding + ghosts == 0 or (answering and lingering > ghosts and context + decoding + ghosts > pool))
        ):
            # Nothing can run beside those that ended: once they are gone, who waits is looked at again.
            full = stale = numbers[STALE_PROMISED] = 0
            numbers[ENDED] = numbers[UNKNOWN] = 0
            release(replica, state)
            lingering, pool = 0, blocks + numbers[TWICE]
            since = poll
            continue
        leaving = 0
        if tokens > 0:
            # --- a step that carries prompts ---
            waited = 0
            if caching:
                numbers[EMPTY] = max(numbers[EMPTY] - taken, 0)
            together = tokens + decoding if mixed else tokens
            lasts = step_s[together] if together < sized else step_s[sized - 1] + beyond_s * (together - sized + 1)
            lasts += prompt_fixed + prompt_token * tokens + prompt_context * attention
            for w in range(kinds - 1):
                lasts += window_prompt[w] * seen[w]
            if mixed and decoding:
                context += decoding
                lasts += decode_s[decoding] + weight[decoding] * decode_context * context
                for w in range(kinds - 1):
                    sums[w] += counts[w]
                    lasts += weight[decoding] * window_decode[w] * sums[w]
                if counting:
                    gap(gaps, lasts, decoding)
                output_tokens += decoding
            clock += lasts
            busy += lasts
            batch_seconds += lasts * decoding
            kv_seconds += lasts * context
            steps += 1
            prompt_tokens += tokens
            if mixed:
                since += 1
                iteration += 1
            else:
                since = poll
                stall += lasts
                newcomers = 0
            if answering:
                numbers[ENDED], numbers[UNKNOWN] = ended, 0
        else:
            # --- decoding only: as many steps as nothing can change ---
            seats_freed = seated and (stale > 0 or lingering > ghosts)
            if seats_freed:
                full = stale = numbers[STALE_PROMISED] = 0
            if answering:
                if decoding and context + decoding + ghosts > pool:
                    numbers[ITERATION], numbers[DECODING], numbers[CONTEXT] = iteration, decoding, context
                    numbers[HEAD], numbers[UNREADY], numbers[ADMITTED] = head, unready, places
                    retract(replica, clock, policy, windows, requests, state)
                    kept_out = decoding - numbers[DECODING]
                    decoding, context, head, places = (
                        numbers[DECODING],
                        numbers[CONTEXT],
                        numbers[HEAD],
                        numbers[ADMITTED],
                    )
                    share, full = times[SHARE], 0
                    pool = blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
            elif not mixed and not reserving and context // block + decoding > pool:
                numbers[ITERATION], numbers[DECODING], numbers[CONTEXT] = iteration, decoding, context
                numbers[PARTIAL], numbers[DONE], numbers[HEAD], numbers[ADMITTED] = partial, done, head, places
                kept_out += make_room(replica, clock, policy, windows, requests, state)
                decoding, context, partial, head, places = (
                    numbers[DECODING],
                    numbers[CONTEXT],
                    numbers[PARTIAL],
                    numbers[HEAD],
                    numbers[ADMITTED],
                )
                pool = blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
                settled = settled or kept_out > 0
            rows, read = decoding, context
            if ghosts:
                rows, read = decoding + ghosts, context + numbers[GHOST_TOKENS]
            each = batch_s[rows] + weight[rows] * decode_context * read
            growth = weight[rows] * decode_context * rows
            for w in range(kinds - 1):
                each += weight[decoding] * window_decode[w] * sums[w]
                growth += weight[decoding] * window_decode[w] * counts[w]
            many = (heap[0] >> ID_BITS) // kinds - iteration
            if holding:
                # Whether the first in line fits may change with every block that decoding takes.
                many = min(many, batch_wait - waited) if reserving else 1
            # Whoever is at the head of the line and cannot be admitted stays there until a request ends.
            open_ = decoding < seats and (head == unready or holding)
            if mixed and decoding >= budget:
                open_ = False
            if kept_out or partial >= 0 or (open_ and unready != coming):
                many = 1
            if (
                ghosts
                or seats_freed
                or (head != unready and (lingering or ((kept[head] or shared[head]) and not chunked)))
            ):
                many = 1  # once those are gone, or as less is found of a prompt that must run whole
            if many > 1 and not reserving and context + decoding * (many + block - 1) >= (pool + 1) * block:
                most = blocks + numbers[TWICE]
                many = max(steps_that_fit(phase, iteration, decoding, most, context, many, block), 1)
            if many > 1:
                bounded = False
                end = clock + (many * each + growth * (many * (many + 1) // 2))
                if open_ and coming_at < end:
                    before = 1
                    if coming_at > clock:
                        before = steps_until(coming_at, clock, each, growth)
                    if poll > 1:
                        due = poll - since
                        before = due if before <= due else due + (before - due + poll - 1) // poll * poll
                    before += later
                    if before <= many:
                        many = before
                        bounded = True
                if not bounded and open_ and end > horizon:
                    wake = end
                    break
            lasts = many * each + growth * (many * (many + 1) // 2)
            if later or poll > 1:
                # Arrivals are also looked for within: what the last look before the last step saw.
                looks = many - 1
                if poll > 1:
                    looks = (since + many - 1) // poll * poll - since
                if looks > 0:
                    at = clock + (looks * each + growth * (looks * (looks + 1) // 2))
                    if at >= horizon:
                        wake = clock + lasts
                        break
                    while coming_at <= at:
                        coming = following[coming]
                        coming_at = arrival[coming] if coming >= 0 else NEVER
                since = (since + many - 1) % poll + 1
            else:
                since = 1
            if holding:
                waited += many
            if counting and stall > 0.0:
                newcomers = min(newcomers, decoding)
                gap(gaps, each + growth + stall, decoding - newcomers)
                gap(gaps, each + growth, newcomers)
                if many > 1:
                    spread(gaps, edges, each + growth, growth, many - 1, decoding)
            elif counting:
                spread(gaps, edges, each, growth, many, decoding)
            stall = 0.0
            if not settled and ghosts:
                numbers[EMPTY] = max(numbers[EMPTY] - decoding - ghosts, 0) + ghosts
            elif not settled and numbers[EMPTY]:
                numbers[EMPTY] = empty_after(phase, iteration, many, numbers[EMPTY], block)
            clock += lasts
            iteration += many
            if answering:
                if kept_out == 0:
                    share = max(share - share_fall * many, least_share)
                numbers[PROMISED] -= (decoding - numbers[LONG]) * many
                numbers[ENDED] = numbers[UNKNOWN] = -1
            busy += lasts
            batch_seconds += lasts * decoding
            kv_seconds += lasts * (context + decoding * (many + 1) * 0.5)
            context += decoding * many
            for w in range(kinds - 1):
                sums[w] += counts[w] * many
            steps += many
            output_tokens += decoding * many
        if lingering:
            if seated:
                # Whose end was unknown until now counts as running until the next decoding step.
                stale += lingering if tokens else ghosts
                numbers[STALE_PROMISED] += numbers[LINGERING_PROMISED]
            else:
                full = 0
            release(replica, state)
            lingering, pool = 0, blocks + numbers[TWICE]
        # --- who is done ---
        while (heap[0] >> ID_BITS) <= iteration * kinds + kinds - 1:
            key = pop(heap)
            one = key & ID_MASK
            kind = (key >> ID_BITS) % kinds
            if kind > 0:
                counts[kind - 1] -= 1
                continue
            size = prompt[one] + output[one] - 1
            decoding -= 1
            context -= size
            phase[(iteration + 1 - size) % block] -= 1
            for w in range(kinds - 1):
                sums[w] -= min(size, windows[w])
                if size <= windows[w]:
                    counts[w] -= 1
            if reserving:
                reserved -= (prompt[one] + asked[one] + block - 1) // block
            leave(one, numbers, prefixes, lingering_groups, requests, policy)
            ends[one] = -1
            finish[one] = clock
            gone[leaving] = one
            leaving += 1
        for place in range(ended):
            one = ending[place]
            size = prompt[one] + emitted[one]
            left = output[one] - emitted[one] - 1
            if first[one] < 0.0:
                first[one] = clock
                if stages > 1:
                    fill[one] = filling(prompt[one], cached[one], decoding, budget, model)
            elif counting and waits_since[one] >= 0.0:
                gap(gaps, clock - waits_since[one], 1)
            waits_since[one] = -1.0
            output_tokens += 1
            if answering:
                promise(one, emitted[one] + 1, numbers, requests, policy)
                if shared[one] and not kept[one]:
                    # Found by others from now on; what they computed of it at the same time is given up.
                    if prefixes[OF_A_PREFIX * group[one] + HOLDERS]:
                        numbers[EMPTY] += shared[one]
                    hold(group[one], shared[one], numbers, prefixes)
                kept[one] = 0
            if left == 0:
                if reserving:
                    reserved -= (prompt[one] + asked[one] + block - 1) // block
                leave(one, numbers, prefixes, lingering_groups, requests, policy)
                ends[one] = -1
                finish[one] = clock
                gone[leaving] = one
                leaving += 1
                continue
            decoding += 1
            newcomers += 1
            context += size
            ends[one] = iteration + left
            phase[(iteration + 1 - size) % block] += 1
            push(heap, (((iteration + left) * kinds) << ID_BITS) | one)
            for w in range(kinds - 1):
                sums[w] += min(size, windows[w])
                if size < windows[w]:
                    counts[w] += 1
                    if windows[w] - size < left:
                        push(heap, (((iteration + windows[w] - size) * kinds + w + 1) << ID_BITS) | one)
        completed += leaving
        if keeping and leaving:
            lingering = leaving
            numbers[LINGERING] = leaving
        elif leaving:
            full = 0
        if ended or leaving:
            pool = blocks + numbers[TWICE] - numbers[LINGERING_BLOCKS]
        if once:
            wake = clock
            break

    numbers[ITERATION] = iteration
    numbers[DECODING] = decoding
    numbers[CONTEXT] = context
    numbers[PARTIAL] = partial
    numbers[DONE] = done
    numbers[HEAD] = head
    numbers[UNREADY] = unready
    numbers[COMING] = coming
    numbers[SINCE] = since
    numbers[WAITED] = waited
    numbers[RESERVED] = reserved
    numbers[ADMITTED] = places
    numbers[COMPLETED] += completed
    numbers[LEAVING] = leaving
    numbers[STALE] = stale
    numbers[FULL] = full
    numbers[STEPS] += steps
    numbers[PROMPT_TOKENS] += prompt_tokens
    numbers[OUTPUT_TOKENS] += output_tokens
    numbers[NEWCOMERS] = newcomers
    numbers[TURNS_LEFT] = turns_left
    times[CLOCK] = clock
    times[STALL] = stall
    times[SHARE] = share
    times[BUSY] = busy
    times[BATCH_SECONDS] = batch_seconds
    times[KV_SECONDS] = kv_seconds
    times[WAKE] = wake
    # Whoever decodes needs a step for each token to come; who is in line or in prefill may have one token alone.
    steps = (heap[0] >> ID_BITS) // kinds - iteration if head < 0 and partial < 0 else 0
    times[QUIET] = clock + steps * shortest_step


def steps_until(target: float, clock: float, each: float, growth: float) -> int:
    """Return the least n ≥ 1 with clock + n·each + growth·n(n + 1)/2 ≥ target.

    Args:
        target: seconds, a moment that a step is to reach.
        clock: seconds, at the end of the step before.
        each: seconds of a step before the first.
        growth: seconds by which each step is longer than the one before.
    """
    linear = each + 0.5 * growth
    away = target - clock
    n = int(2.0 * away / (linear + sqrt(linear * linear + 2.0 * growth * away)))
    n = max(n, 1)
    # The root is rounded; which side of the arrival a step ends on is decided by the clock itself.
    while clock + (n * each + growth * (n * (n + 1) // 2)) < target:
        n += 1
    while n > 1 and clock + ((n - 1) * each + growth * (n * (n - 1) // 2)) >= target:
        n -= 1
    return n


def filling(prompt: int, cached: int, decoding: int, budget: int, model: Model) -> float:
    """Return the seconds by which a prompt that passes pipeline stages one by one is later than its step ends.

    Args:
        prompt: tokens.
        cached: those of them whose KV is already there.
        decoding: requests beside it.
        budget: tokens of a step.
        model: of the replica's steps.
    """
    step_s, beyond_s, stages = model.step_s, model.beyond_s, model.stages
    windows, window_prompt = model.windows, model.window_prompt_s
    whole = prompt - cached
    last = (whole - 1) % budget + 1
    far, near = decoding + last * stages, decoding + last
    sized = len(step_s)
    seconds = step_s[far] if far < sized else step_s[sized - 1] + beyond_s * (far - sized + 1)
    seconds -= step_s[near] if near < sized else step_s[sized - 1] + beyond_s * (near - sized + 1)
    middle = cached + whole * 0.5
    attention = model.prompt_context_s * middle
    for w in range(len(windows)):
        attention += window_prompt[w] * min(middle, 1.0 * windows[w])
    return seconds + (stages - 1) * whole * (model.prompt_token_s + attention)
