"""The columns on which the loops work: what each tuple that they are given holds.

``Model``     T at each token count · the slope beyond · at each batch: T and what decoding adds to it, 1 + extra/batch,
              what decoding adds · c_d · prompt_fixed · prompt_token · c_a · windows · their c_d · their c_a · stages
``Policy``    budget · seats · KV blocks · tokens of a block · mixed · chunked · reserving · one step later ·
              poll steps · batch wait · prompts per step
``Requests``  by request: arrival, prompt, output, cached tokens (given) · next in line · tokens emitted before the
              prefill · decoding step at which it ends (−1 unless running) · when admitted, first token, last token
              (−1 until then) · preemptions · when preempted · the pipeline's delay
``State``     by replica: integers and floats (the names below) · heap of what happens at coming decoding steps ·
              decoding requests by the phase at which they take a new block · admitted requests in order · for each
              window, tokens in it and requests still short of it; and shared: token gaps, their edges, attention of a
              step's prompts by window, requests whose prompt a step ends, requests gone
"""

NEVER = float("inf")
ID_BITS = 24
"""A heap's key is a decoding step, a kind (0 ends, else the number of a window reached) and a request."""
ID_MASK = (1 << ID_BITS) - 1
SENTINEL = (1 << 62) - 1

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
INTEGERS = 21

# A replica's floats.
CLOCK = 0
BUSY = 1  # seconds spent in steps
BATCH_SECONDS = 2  # ∫ decoding requests
KV_SECONDS = 3  # ∫ tokens of decoding requests
STALL = 4  # seconds of prompt steps since the last decoding step
FLOATS = 5
