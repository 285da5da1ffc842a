"""What prompts do to a replica: the time that they take of its steps, the wait at its gate, how they vary its pace.

Formulas and symbols are those of spec-kit/methodology.md, "A replica at a load". Each was judged against simulations of
400,000 requests.
"""

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import made_once
from engine.arrays import Floats, Rows
from engine.replica.queueing import TINY

CLUMP_ROUNDS = 4
"""Of the fixed point between a wait and the share of a clump that comes in it."""


def by_head(together: Floats) -> Floats:
    """Return steps that carry any prompt over prompts, (1 − e^−a)/a, where a come in a step on average, Poisson."""
    return -np.expm1(-together) / together


class Prefills(Rows, frozen=True, dict=True):
    """What the prompts of a load take of a replica; all arrays alike."""

    requests_per_s: Floats
    """λ."""
    batch: Floats
    """B: decoding requests."""
    seconds: Floats
    """c: replica time that a mean prompt brings to a step which carries prompts anyway."""
    square: Floats
    """E[c²], seconds²."""
    cube: Floats
    """E[c³], seconds³."""
    fixed: Floats
    """F: what a step costs once for carrying prompts, however many: launches."""
    shared: Floats
    """h: steps that carry any prompt over prompts, the share of F that each bears."""
    apart: Floats
    """Chance that no other prompt comes in a step."""
    pool: Floats
    """n: replicas behind one router, which sends each request to the one with the fewest outstanding; 1: on its own."""
    clumps: Floats
    """(c_a² − 1)/N: arrivals beyond those of a Poisson process that come with an arrival, before and after it. c_a is
    the CV of the gaps between arrivals at the router, which spreads a clump over all of its N replicas."""
    gap_s: Floats
    """1/(N·λ): between arrivals at the router, mean."""

    def lengthened(self, times: Floats) -> "Prefills":
        """Return prompts that take so many times as long."""
        square = times * times
        seconds, cube = self.seconds * times, self.cube * square * times
        return replace(self, seconds=seconds, square=self.square * square, cube=cube)

    @made_once
    def busy_share(self) -> Floats:
        """Share w = λ·(c + h·F) of the replica's time that prompts take, below 1."""
        return np.minimum(self.requests_per_s * (self.seconds + self.fixed * self.shared), 0.999)

    @made_once
    def added(self) -> Floats:
        """Share m = λ·c of a longer step by which the next is longer: what prompts bring, without what they share."""
        return np.minimum(self.requests_per_s * self.seconds, 0.999)

    @made_once
    def idle_share(self) -> Floats:
        """1 − w."""
        return 1.0 - self.busy_share

    @made_once
    def while_busy(self) -> Floats:
        """α: the rate of arrivals while a replica runs prompts, over their mean rate; 1 on its own.

        Who runs prompts ends no answers meanwhile, and has its last arrival more than the others: the router passes it
        by, as far as it can tell. Of what is outstanding, B decode and an M/M/1 queue's 1/(1 − w) prefill; by the first
        the router is misled in a half of its choices, since loads that it levels differ by one at most and either is
        as likely to be the least. Else a replica that is busy is met only where all are: Erlang's C by Sakasegawa's
        w^(√(2(n + 1)) − 1) (Annals of the Institute of Statistical Mathematics 29, 1977):

            α = θ + (1 − θ)·w^(√(2(n + 1)) − 2),  θ = ½·B/(B + 1/(1 − w))
        """
        misled = 0.5 * self.batch / (self.batch + 1.0 / self.idle_share)
        all_busy = self.busy_share ** (np.sqrt(2.0 * self.pool + 2.0) - 2.0)
        return np.where(self.pool > 1.0, misled + (1.0 - misled) * all_busy, 1.0)

    def again(self, come: Floats) -> Floats:
        """Return β: how many others come with an arrival among ``come``, over those that would on its own.

        A router that has sent a replica one request sends others theirs first: of the n − 1 a half on average, so that
        q = (1 − 1/n)/2 fewer come, as time passes for them to: β = 1 − q/λX·(1 − e^(−λX/q)).
        """
        passed = come / self._turns
        return 1.0 + np.expm1(-passed) / passed

    @made_once
    def _turns(self) -> Floats:
        """q, of which β is made."""
        return np.maximum(0.5 - 0.5 / self.pool, TINY)

    def clump_within(self, seconds: Floats) -> Floats:
        """Return g: the share of what follows an arrival in its clump that has come after an exponential time, mean.

        Of a renewal process whose gaps are gamma, by the Laplace transform of its renewal function at z, gaps over the
        time: (f/(1 − f) − 1/z)·2/(c_a² − 1), f = (1 + c_a²·z)^(−1/c_a²).
        """
        if not self.clumps.any():
            return np.ones_like(self.clumps)
        beyond = self.clumps / (self.requests_per_s * self.gap_s)
        z = self.gap_s / np.maximum(seconds, TINY)
        later = -np.expm1(-np.log1p((1 + beyond) * z) / (1 + beyond))
        return (1 / later - 1 - 1 / z) * 2 / beyond

    @made_once
    def clumped_square(self) -> Floats:
        """E[c²] and what clumps bring, beyond a Poisson process: (c_a² − 1)/N·c², seconds²."""
        return self.square + self.clumps * self.seconds * self.seconds

    @made_once
    def cubed(self) -> Floats:
        """Return E[c³] + 3·k·E[c²]·c + 1.5·k²·c³, seconds³: of clumps of geometric size, k = (c_a² − 1)/N."""
        more = np.maximum(self.clumps, 0.0) * self.seconds
        return self.cube + 3 * more * (self.square + more * self.seconds / 2)

    @made_once
    def met_work(self) -> Floats:
        """E[c²] + (c_a² − 1)/N·c² + F·(2·c + F·h), seconds²: over λ, the work of prompts that a moment meets."""
        by_fixed = self.fixed * (2.0 * self.seconds + self.fixed * self.shared)
        return np.maximum(self.clumped_square + by_fixed, 0.0)

    @property
    def work_variance(self) -> Floats:
        """Variance s² of the work that comes in a step, over the prompts that come, at most, seconds².

        E[c²] + h·F·(2·c + F) + (c_a² − 1)/N·c². Steps that carry prompts are taken to come like Poisson's; where most
        do, F varies less.
        """
        once = self.fixed * self.shared * (2.0 * self.seconds + self.fixed)
        return np.maximum(self.clumped_square + once, 0.0)


class Gate(Struct, frozen=True):
    """The wait for the gate; all arrays alike."""

    step: Floats
    """Mean wait for the running step, seconds."""
    beside: Floats
    """Mean wait for prompts in the steps of one's own, seconds."""
    square: Floats
    """Second moment of their sum, seconds²."""
    followed: Floats
    """Mean time before one's own prompt of which the arrivals run after it: ``beside``, and of the running step what
    does not fit beside it; seconds."""
    followed_square: Floats
    """Its second moment, seconds²."""
    joined: Floats
    """Of a request's clump, those who came after it and run beside it."""


def gate(
    prefills: Prefills,
    decoding: Floats,
    beside: Callable[[Floats], Floats],
    fits: Callable[[Floats, Floats], Floats],
    apart: Floats,
    *,
    mixed: bool,
    later: bool = False,
    single: Floats | None = None,
) -> Gate:
    """Return the wait for the gate (formula 4).

    Who arrives during a step X is served in the next with all others who did. On its own a replica's arrivals meet a
    step in proportion to its length, X* = E[X²]/E[X]; behind a router they come less often while prompts run, by α, so
    that a step beyond the usual one counts α times for who meets it, and others come with one who came less often by β.
    Half of it remains on average:

        r = 1 − (1 − w)·e^(−B)             that anything runs at all
        X' = X⁰ + α·(X* − X⁰)              the step that is met; X⁰ = E[X], or τ where prompts run apart
        n = r·β·λ·X'                       others: a half came before, and of those who come after φ fit into the step
        k = (c_a² − 1)/2N                  of one's clump come before and as many after, g while a request waits
        W = r·X'/2 + (n·(1 + φ)/2 + k·(g + φ·g'))·c'      c' what a prompt adds to a step that carries one already

    Derived in spec-kit/methodology.md, "A replica at a load".

    Args:
        prefills: of the load: λ, c, E[c²], F, h, w, m, and B: with none, and no prompt running, nobody waits.
        decoding: τ, a step that only decodes, seconds, or as many as pass from one look for arrivals to the next.
        beside: seconds that so many prompts add to a step which carries one already: n·c'.
        fits: share φ of those who come after one that fit into its step, of how many came before it and after.
        apart: share in which a step is τ or the prompts that came, which take τ with them: 1 where steps do not mix.
        mixed: whether prompts share steps with decoding; else a step is τ or the prompts that came.
        later: whether the next step is composed already: then one more passes, E[X] = τ/(1 − w) on average.
        single: one step that only decodes, where several pass between looks; None: each looks.
    """
    rate, whole = prefills.requests_per_s, decoding / prefills.idle_share
    busy = prefills.while_busy
    usual = whole if mixed else decoding
    near, let, clumped = prefills, np.ones_like(whole), bool(prefills.clumps.any())
    for _ in range(CLUMP_ROUNDS if clumped else 1 + bool((prefills.pool > 1).any())):
        met = _met_step(near, decoding, whole, (let, let * busy * busy), apart)
        let = prefills.again(rate * met)
        if clumped:
            mean = usual + busy * (met - usual)
            stay = mean / 2 + prefills.seconds * (1 + (rate * mean + near.clumps) / 2)
            near = replace(prefills, clumps=prefills.clumps * prefills.clump_within(stay))
    third = _met_square(near, decoding, whole, met, let * busy * busy, mixed=mixed)
    usual_square = whole * met if mixed else decoding**2
    mean, mean_square = usual + busy * (met - usual), usual_square + busy * (third - usual_square)
    running = 1.0 - prefills.idle_share * np.exp(-prefills.batch)
    come, let = rate * mean, prefills.again(rate * mean_square / mean)
    others = running * let * come
    before = after = others / 2
    if clumped:
        # Where gaps are regular they are negative, and nobody is left at the least.
        joins = np.maximum(near.clumps / 2, -before)
        follows = np.maximum(prefills.clumps / 2 * prefills.clump_within(mean / 2), -after)
        before, after = before + joins, after + follows
    count = np.maximum(before + after, TINY)
    by_one, fit = beside(count) / count, fits(before, after)
    each, ratio, unfit = let * rate * by_one, by_one / np.maximum(prefills.seconds, TINY), 1 - fit
    held, each_square, of_step = fit * each, each * each, running * mean_square / 3
    one_square = ratio * ratio
    varied = running * np.maximum(near.clumped_square, 0.0) * one_square * let * come * (1 + fit * fit) / 2
    # What is left of a step, and what of it has passed: each uniform, and the prompts that came in either.
    all_of_it, what_follows = 1 + held, unfit + held
    square = of_step * (all_of_it * (all_of_it + each) + each_square) + varied
    followed_square = of_step * (what_follows * (what_follows + each) + each_square) + varied
    step, by_others = running * mean / 2, others * by_one * (1 + fit) / 2
    followed, joined = unfit * step + by_others, prefills.clumps  # none, or as below
    if clumped:
        # Who is in a clump is as many before one as after, each by a geometric law.
        joined = fit * follows
        of_clump = (joins + joined) * by_one
        by_clump = (
            2 * (of_clump**2 - joined * joins * by_one**2) + (joins + fit * joined) * prefills.square * one_square
        )
        square = square + 2 * of_clump * (step + by_others) + by_clump
        followed_square = followed_square + 2 * of_clump * followed + by_clump
        by_others, followed = np.maximum(by_others + of_clump, 0.0), np.maximum(followed + of_clump, 0.0)
    if later:
        # E[X²] = X*·E[X] is no less than E[X]², which X* of prompts that run apart, met as they run, need not keep.
        passing = whole if mixed else whole / (1 + rate * prefills.shared * whole)
        passing = passing if single is None else np.where(single < decoding, single, passing)
        square = square + 2 * passing * (step + by_others) + running * np.maximum(met, passing) * passing
        step = step + running * passing
    return Gate(step, by_others, square, followed, followed_square, joined)


def _met_step(
    prefills: Prefills, decoding: Floats, whole: Floats, pairs: tuple[Floats | float, Floats], apart: Floats
) -> Floats:
    """Return the mean length of the step that a moment meets, seconds.

        X* = (τ·(1 + w) + λ·(E[c²] + (c_a² − 1)/N·c² + F·(2·c + F·h)) + β·m²·(1 − α²)·E[X])/(1 − β·α²·m²)

    with τ·(1 − w) in the share ``apart`` in which a step is τ or the prompts that came. Told apart by what fills it, τ,
    a prompt's c or a step's F, a moment sees a step of mean length E[X]; of τ, F, that c and the others'; or of τ, F
    and as many c as prompts share it.
    """
    let, again = pairs
    square = prefills.added * prefills.added
    by_decoding = decoding * (1.0 + prefills.busy_share * (1.0 - 2.0 * apart))
    by_prompts = square * (let - again) * whole + prefills.requests_per_s * prefills.met_work
    return (by_decoding + by_prompts) / (1.0 - again * square)


def _met_square(
    prefills: Prefills, decoding: Floats, whole: Floats, met: Floats, again: Floats, *, mixed: bool
) -> Floats:
    """Return E[X³]/E[X] of steps X, seconds².

    In a second the prompts that follow steps bring λ·(E[c³] + F·(3·E[c²] + 3·F·c + F²·h)) each by itself and
    3·m·(λ·E[c²] + F·m)·X* + m³·E[X³]/E[X] several together; of X what prompts bring beyond the usual step counts β·α²
    times. Where steps mix they are τ and that, by whose square X* is known; else one or the other.
    """
    rate, m, once, square = prefills.requests_per_s, prefills.added, prefills.fixed, prefills.clumped_square
    usual = whole if mixed else prefills.idle_share * decoding
    of_one = prefills.cubed + once * (3 * square + once * (3 * prefills.seconds + once * prefills.shared))
    of_two = 3 * m * (rate * square + once * m) * (usual + again * (met - usual))
    cube, left = m**3, 1 - again * m**3
    if mixed:
        beside = decoding * (decoding * (decoding / whole - 3) + 3 * met)
        result: Floats = (rate * of_one + of_two + beside + cube * whole * whole * (1 - again)) / left
    else:
        alone = usual * decoding
        result = alone + (rate * of_one + of_two + cube * alone) / left
    return result


class Response(Rows, frozen=True, dict=True):
    """How a replica's batch and its answers respond to the prompts that come; all arrays alike."""

    brought: Floats
    """m = λ·(c + e^(−a)·F): prompts that come in one more second, seconds of them."""
    passed: Floats
    """m' = α·m: those that come while one more second of prompts runs."""
    bent: Floats
    """ε, of a decoding step's time in the batch, below 1."""
    burst: Floats
    """ψ = λ²·s²/(1 − m')²."""
    arrivals: Floats
    """(2 + n·k + 2·m'/(1 − m') + ψ)/2: how much those who come to decode vary, over Poisson's; k = (c_a² − 1)/N."""

    @made_once
    def left(self) -> Floats:
        """1 − m'."""
        return 1.0 - self.passed

    @made_once
    def stalled(self) -> Floats:
        """m'/(1 − m'): seconds of prompts that follow on one more second of them."""
        return self.passed / self.left

    @made_once
    def stiff(self) -> Floats:
        """1 − ε."""
        return 1.0 - self.bent


def response(prefills: Prefills, elasticity: Floats) -> Response:
    """Return the linear response of replicas to the prompts that come.

    Args:
        elasticity: ε, of a decoding step's time in the batch.
    """
    rate = prefills.requests_per_s
    brought = np.minimum(prefills.added + rate * prefills.fixed * prefills.apart, 0.999)
    passed = prefills.while_busy * brought
    left = 1.0 - passed
    bursts = rate / left
    burst = bursts * bursts * prefills.work_variance
    arrivals = 1.0 + 0.5 * (prefills.pool * prefills.clumps + burst) + passed / left
    return Response(brought, passed, np.minimum(elasticity, 0.95), burst, arrivals)


class Stall(Struct, frozen=True):
    """What an answer takes longer for the prompts that came while its own ran; all arrays alike."""

    seconds: Floats
    """Mean over requests, beyond the steps that an answer meets at any other time."""
    variance: Floats
    """Seconds²."""
    left: Floats
    """Share of what is left of it after a step that is left after the next."""
    kept: Floats
    """Share that is left after an answer's first step."""
    squares: tuple[Floats, Floats] | None = None
    """Means of the squares of ``left`` and ``kept`` where they vary: where prompts run between decodes."""
    halved: bool = False
    """Whether the next step is composed already, in which prompts and those who decode share steps."""

    def mapped(self, change: Callable[[Floats], Floats]) -> "Stall":
        """Return the same with every array changed alike."""
        seconds, variance, left, kept = map(change, (self.seconds, self.variance, self.left, self.kept))
        squares = self.squares and (change(self.squares[0]), change(self.squares[1]))
        return Stall(seconds, variance, left, kept, squares, self.halved)

    def by_answer(self, decoded: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what answers of so many decoding steps take longer, mean and variance, a last axis of answers.

        The third is the share that an answer meets of the variance of all that prompts bring to its steps. Of what
        comes k steps before its end it meets 1 − m'^k, where steps are composed already as of k/2; over n steps the
        mean of its square is 1 − m'/((1 − m')·n)·(1 − v)·(2 − m'·(1 + v)/(1 + m')), v = m'^n.
        """
        if not self.left.any():
            return self.seconds[..., None], self.variance[..., None], np.ones(1)
        left = _left_after(self.left, self.kept, decoded)
        seconds = self.seconds[..., None] * (1.0 - left)
        if self.squares is not None:
            # What is met varies too: of the answers of one step most meet nothing, and others much.
            met_square = 1.0 - 2.0 * left + _left_after(*self.squares, decoded)
            whole = (self.variance + self.seconds * self.seconds)[..., None]
            return seconds, np.maximum(met_square * whole - seconds * seconds, 0.0), np.ones(1)
        # In place: among the largest arrays of a forecast.
        turns = np.maximum(decoded / 2, 1.0) if self.halved else decoded
        kept = np.exp(2 * np.log(np.maximum(self.left, TINY))[..., None] * turns) if self.halved else left
        follows = (self.left * self.left if self.halved else self.left)[..., None]
        part = follows / (1 + follows)
        share = kept * part
        share -= 2
        share *= kept
        share += 2 - part
        share *= -follows / (1 - follows)
        share /= turns
        share += 1
        met = 1.0 - left
        met *= met
        met *= self.variance[..., None]
        return seconds, met, share


def _left_after(left: Floats, kept: Floats, decoded: Floats) -> Floats:
    """Return kept·left^(decoded − 1), a last axis of answers."""
    # An exponential, which is quicker than a power.
    power = np.log(np.maximum(left, TINY))[..., None] * (decoded - 1.0)
    power += np.log(np.maximum(kept, TINY))[..., None]
    return np.exp(power, out=power)


def stall(
    found: Response,
    prefills: Prefills,
    own: tuple[Floats, Floats],
    usual: Floats,
    free: Floats,
    answer_s: Floats,
    *,
    carrying: Floats,
    others: Floats,
    clump: Floats | float = 0.0,
    mixed: bool,
    later: bool,
) -> Stall:
    """Return what the prompts that came while a request's own ran add to its answer.

    A decoding step is as much longer as prompts came during the one before. The step before an answer's first is its
    own prompt's, of Y seconds with those who share it and those before it; its last step's arrivals meet no more of it:

        m'/(1 − m')·(Y − E[X] + k/λ),  of variance (m'/(1 − m'))²·Var Y + s²·λ/(1 − m')²·(Y − E[X])

    k more come of its clump after its own prompt has begun. Where steps mix m'^i of it is left after i decoding steps,
    after 2·i + 1 where the next step is composed already; else prompts run until none is left, or with others between
    (``_between_decodes``).

    Args:
        found: response of the replica.
        own: mean and variance of Y, seconds and seconds²: one's own prefill and ``Gate.followed``.
        usual: E[X], the step during which prompts usually come: seconds.
        free: chance that who comes finds a seat while a request holds one.
        answer_s: T, of a mean answer, seconds.
        carrying: q, steps of prompts for each that decodes, where they run apart, and
        others: the seconds that these take.
        clump: k.
        mixed: whether prompts share steps with decoding.
        later: whether the next step is composed while one runs.
    """
    mean, variance = own
    beyond = np.maximum(mean - usual, 0.0)
    # Who came while a router passed the replica by comes as its loads level again, during this stay or after it.
    level = answer_s / (answer_s + mean)
    response = (found.passed + (found.brought - found.passed) * level) / found.left * free
    drawn = found.burst / np.maximum(prefills.requests_per_s, TINY) * free * beyond
    seconds = response * (beyond + clump / np.maximum(prefills.requests_per_s, TINY))
    variance = response**2 * variance + drawn
    if mixed or not later:
        left = found.passed ** (0.5 if later else 1.0) if mixed else np.zeros_like(found.passed)
        return Stall(seconds, variance, left, np.ones_like(left) if later else left, halved=later)
    come, stalled = prefills.requests_per_s * usual, np.maximum(seconds, TINY)
    left, kept, longer = _between_decodes(found.passed, come, carrying, others)
    met = np.maximum(1.0 - longer / stalled, 0.0)
    squares = _between_decodes(found.passed**2, come, carrying, others)[:2]
    return Stall(seconds, variance, left, kept * met, squares)


def _between_decodes(passed: Floats, come: Floats, carrying: Floats, others: Floats) -> tuple[Floats, Floats, Floats]:
    """Return ``left`` and ``kept`` of a stall where prompts run apart and the next step is composed already.

    Who comes in a step runs in the one after the next: steps are two series that take turns, each of them a decoding
    step that prompts follow with chance b, and another step of prompts after each of these with chance 1 − b/q. Prompts
    that follow one's own run in one series, and those who decode do so in the other: at once, or where prompts run
    there (q of 1 + q steps) after K of them. In each of these the first series goes on, m' of it left:

        kept = 1 − (1 − g)·q/(1 + q),  left = m'·(1 − b·(1 − g)),  g = E[m'^K] = m'·b/q/(1 − m'·(1 − b/q))

    The third is by how many seconds longer than usual prompts of the other series run before an answer's first step.

    Args:
        passed: m', or its square.
        come: λ·τ, requests in a decoding step.
        carrying: q, steps of prompts for each that decodes.
        others: seconds of prompts for each step that decodes.
    """
    begins = -np.expm1(-come)
    ends = np.minimum(begins / np.maximum(carrying, TINY), 1.0)
    less = 1.0 - passed * ends / (1.0 - passed * (1.0 - ends))
    busy = carrying / (1.0 + carrying)
    longer = others * np.maximum(busy / np.maximum(begins, TINY) - 1.0, 0.0)
    return passed * (1.0 - begins * less), 1.0 - busy * less, longer


def pace_variance(found: Response, prefills: Prefills, answer_share: Floats, met: Floats | float = 1.0) -> Floats:
    """Return the variance of a request's ITL over its mean squared: (…, answers).

    Linear response of the batch N and of a request's progress to arrivals. A prompt takes all decoding requests'
    time at once, which slows one's answer (first term); by the time that it takes, and by its own coming, N grows and
    falls back at the rate (1 − ε)/E2E, and steps are longer by ε for each 1 % of N (the others):

        m' = α·λ·(c + e^(−a)·F),  ψ = λ²·s²/(1 − m')²,  x = (1 − ε)·O/D,  f = 2·(x − 1 + e^(−x))/x²
        ψ·D/(B·O) + (ε²/(1 − ε)·(2 + n·k + 2·m'/(1 − m') + ψ)/2 + ε·(m'/(1 − m') + ψ))/(n·B)·f

    A router lets fewer come while prompts run, and the n replicas that it levels wander together; k = (c_a² − 1)/N.

    Args:
        found: response of the replica: ε, m', ψ.
        prefills: of the load: n, B.
        answer_share: O/D, an answer's length over the mean answer's: (answers,).
        met: share of the first term that answers meet, which end before some of what comes has run.
    """
    bent, batch = found.bent, prefills.batch
    passed = found.stiff[..., None] * answer_share
    # In place: among the largest arrays of a forecast.
    varied = np.expm1(-passed)
    varied += passed
    passed *= passed
    varied /= np.maximum(passed, TINY, out=passed)
    wander = bent * (bent / found.stiff * found.arrivals + found.stalled + found.burst) * -np.expm1(-batch)
    varied *= (2 * wander / (prefills.pool * np.maximum(batch, 1.0)))[..., None]
    varied += (found.burst / np.maximum(batch, TINY))[..., None] * (met / answer_share)
    return varied
