"""The records of columns that the simulator's loops work on, and the names of a replica's integers and floats.

A column is a list where the loops run as they stand and an array where they are compiled (``compiled``); numba reads
the fields of a named tuple as fast as local names.
"""

from typing import Any, NamedTuple

Column = Any
"""Numbers, one of each; a list in plain Python, an array where compiled."""

NEVER = float("inf")
ID_BITS = 24
"""A heap's key is a decoding step, a kind (0 ends, else the number of a window reached) and a request."""
ID_MASK = (1 << ID_BITS) - 1
SENTINEL = (1 << 62) - 1


class Model(NamedTuple):
    """The step model (``StepModel``, which has the symbols), tabulated."""

    step_s: Column
    """T by tokens in a step."""
    beyond_s: float
    """T's slope beyond its last entry, seconds a token."""
    batch_s: Column
    """By decoding requests: T and what decoding adds to it, without attention."""
    weight: Column
    """By decoding requests: 1 + extra/batch."""
    decode_s: Column
    """By decoding requests: what decoding adds to T, without attention."""
    decode_context_s: float
    """c_d of full attention."""
    prompt_fixed_s: float
    prompt_token_s: float
    prompt_context_s: float
    """c_a of full attention."""
    windows: Column
    """Finite attention windows, tokens."""
    window_decode_s: Column
    """c_d by window."""
    window_prompt_s: Column
    """c_a by window."""
    stages: int
    """Pipeline stages."""
    shortest_step_s: float
    """No step takes less."""


class Policy(NamedTuple):
    """The scheduler's limits and habits; flags are 0 or 1."""

    budget: int
    """Tokens of a step."""
    seats: int
    blocks: int
    """KV blocks of the pool."""
    block: int
    """Tokens of a block."""
    mixed: int
    """Prompts and decoding share a step."""
    chunked: int
    reserving: int
    """Blocks for the whole answer are set aside at admission."""
    whole: int
    """Requests are admitted only when blocks for all of their tokens are free."""
    caching: int
    """Blocks that were given back can be found until others take them."""
    later: int
    """Arrivals are seen one step later."""
    lingering: int
    """Who ended keeps seat and blocks for one more scheduling."""
    poll_steps: int
    """Decoding steps between two looks for arrivals."""
    batch_wait: int
    """Decoding steps for which prompts may be held back."""
    prompts_per_step: int
    answering: int
    """Requests are admitted by what they and those who run may yet ask for (``answers``)."""
    most_answer: int
    """Tokens of an answer that are set aside at most."""
    spare: int
    """Further tokens that must be free."""
    steps_ahead: int
    """Decoding steps for which those who stay are provided when others gave way."""
    seated: int
    """Who ended counts as running until the next decoding step."""
    foresees: int
    """Who reaches what it asked for is not decoded once more before its end is known."""
    whole_answers: int
    """All that running requests may ask for is set aside, not a share."""
    first_share: float
    least_share: float
    share_fall: float
    """By which the share falls in a decoding step."""


class RequestColumns(NamedTuple):
    """Requests by id, seconds and tokens: what came with them, and how far they are."""

    arrival: Column
    prompt: Column
    output: Column
    asked: Column
    """Tokens that its client asks for at most."""
    cached: Column
    """Tokens of the prompt whose KV is already there."""
    following: Column
    """Next in the replica's line, or −1."""
    emitted: Column
    """Answer tokens that came before the prefill in progress."""
    ends: Column
    """Decoding step at which it ends; 0 in prefill, −1 unless running."""
    admitted: Column
    """When it was admitted; −1 until then, as the next two."""
    first_token: Column
    finish: Column
    preempted: Column
    """Times that it was preempted."""
    waits_since: Column
    """Since when it waits to go on; −1 unless it does."""
    fill: Column
    """By how much the pipeline delays its tokens."""
    kept: Column
    """Full blocks that it gave back when it was preempted; 0 unless it waits to go on."""
    kept_until: Column
    """Where they end in the line of blocks that others take (``GIVEN_BACK`` then)."""
    group: Column
    """Of the requests whose prompts begin alike, or −1."""
    shared: Column
    """Full blocks with which all prompts of its group begin; 0 without one."""


class State(NamedTuple):
    """Replicas: a row for each, and what they share."""

    integers: Column
    """Rows by the names below."""
    floats: Column
    heaps: Column
    """What happens at coming decoding steps."""
    phases: Column
    """Decoding requests by the phase at which they take a new block."""
    orders: Column
    """Admitted requests in order."""
    window_tokens: Column
    """By window: tokens in it."""
    window_short: Column
    """By window: requests still short of it."""
    gaps: Column
    """Shared: token gaps by bin."""
    gap_edges: Column
    attention: Column
    """Shared: tokens seen by a step's prompts, by window."""
    endings: Column
    """Requests whose prompt the last step ended."""
    gone: Column
    """Shared: requests that the last event ended."""
    alarms: Column
    """A tournament over replicas: when each must be looked at."""
    loads: Column
    """A tournament over replicas: requests outstanding in each; ``SENTINEL`` where none are taken."""
    prefixes: Column
    """By group, ``OF_A_PREFIX`` columns each: of the blocks with which its prompts begin."""
    lingering_groups: Column
    """Of each request that lingers and shares a prefix: its group, and ``LINGERING_FULL`` with it."""


# A replica's integers.
ITERATION = 0  # decoding steps so far
DECODING = 1
CONTEXT = 2  # tokens of all decoding requests
PARTIAL = 3  # the request whose prompt is partly done, or −1
DONE = 4  # its tokens
HEAD = 5  # first in line, or −1
UNREADY = 6  # first in line that cannot be scheduled yet, or −1
COMING = 7  # first in line that has not been seen yet, or −1
LAST = 8  # last in line; means nothing when nobody is
SINCE = 9  # decoding steps since arrivals were looked for
WAITED = 10  # decoding steps for which prompts were held back
RESERVED = 11  # blocks promised to running requests
ADMITTED = 12  # entries in the order of admission
COMPLETED = 13
LEAVING = 14  # of these, at the end of the last event
STEPS = 15
PROMPT_TOKENS = 16
PREEMPTIONS = 17
NEWCOMERS = 18  # decoding requests that did not wait for the last prompt step
OUTPUT_TOKENS = 19
TURNS_LEFT = 20  # turns of the loop that it may still take; below 0 it stands still for good
ASSIGNED = 21  # requests routed here
TAKES = 22  # 1 where new requests are taken
LINGERING = 23  # requests that ended and keep their seats for the scheduling to come
LINGERING_BLOCKS = 24  # what they hold
LINGERING_FULL = 25  # of these, full ones
GIVEN_BACK = 26  # blocks put at the end of the line of free ones so far, less those found and taken out of it
EMPTY = 27  # free blocks in which nothing can be found: others take them first
PROMISED = 28  # tokens that decoding requests may yet ask for
LONG = 29  # of them those that may ask for more than is ever set aside for one
LINGERING_PROMISED = 30  # tokens that are still set aside for those that ended
LINGERING_LONG = 31
ENDED = 32  # requests whose prompt the last step ended; -1 where it decoded
UNKNOWN = 33  # tokens of the last step that its scheduler does not know, as far as they count; -1 where it decoded
FULL = 34  # 1 where nobody is admitted until somebody leaves
GHOSTS = 35  # requests that ended and are decoded once more, since their end is not known yet
GHOST_TOKENS = 36  # their contexts
TWICE = 37  # blocks of shared prefixes that requests hold beside the first to hold them
LINGERING_SHARED = 38  # requests that linger and share a prefix
STALE = 39  # requests whose end is known, and that count as running until the next decoding step
STALE_PROMISED = 40  # tokens that are still set aside for them
INTEGERS = 41
OF_THOSE_IN_IT = (
    *(LINGERING, LINGERING_BLOCKS, LINGERING_FULL, LINGERING_PROMISED, LINGERING_LONG),
    *(PROMISED, LONG, ENDED, UNKNOWN, FULL, GHOSTS, GHOST_TOKENS),
    *(TWICE, LINGERING_SHARED, STALE, STALE_PROMISED),
)
"""Of these, what ends where a replica loses its requests."""

# Of a group's prefix, by group.
HOLDERS = 0  # running requests that hold it
THERE = 1  # its first blocks that can be found
UNTIL = 2  # where nobody holds it: where they end in the line of blocks that others take
OF_A_PREFIX = 3

# A replica's floats.
CLOCK = 0
BUSY = 1  # seconds spent in steps
BATCH_SECONDS = 2  # ∫ decoding requests
KV_SECONDS = 3  # ∫ tokens of decoding requests
STALL = 4  # seconds of prompt steps since the last decoding step
WAKE = 5  # until when nothing can change unless a request arrives
QUIET = 6  # until when no request can end but those that the last event ended, even if others arrive
SHARE = 7  # of what running requests may ask for, that is set aside
FLOATS = 8
