"""What prompts do to a replica: the time that they take of its steps, the wait at its gate, how they vary its pace.

Formulas and symbols are those of spec-kit/methodology.md, "A replica at a load". Each was judged against simulations of
400,000 requests.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from msgspec import Struct

from engine.arrays import Floats
from engine.replica.queueing import TINY


def by_head(together: Floats) -> Floats:
    """Return steps that carry any prompt over prompts, (1 − e^−a)/a, where a come in a step on average, Poisson."""
    result: Floats = -np.expm1(-together) / together
    return result


class Prefills(Struct, frozen=True, dict=True):
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
    together: Floats
    """a: prompts that come in a step, on average."""
    pool: Floats
    """n: replicas behind one router, which sends each request to the one with the fewest outstanding; 1: on its own."""
    clumps: Floats
    """(c_a² − 1)/N: arrivals beyond those of a Poisson process that come with an arrival, before and after it. c_a is
    the CV of the gaps between arrivals at the router, which spreads a clump over all of its N replicas."""

    def mapped(self, change: Callable[[Floats], Floats]) -> "Prefills":
        """Return the same with every array changed alike."""
        return Prefills(**{name: change(getattr(self, name)) for name in self.__struct_fields__})

    @cached_property
    def shared(self) -> Floats:
        """Share h of F that each prompt bears."""
        return by_head(self.together)

    @cached_property
    def busy_share(self) -> Floats:
        """Share w = λ·(c + h·F) of the replica's time that prompts take, below 1."""
        result: Floats = np.minimum(self.requests_per_s * (self.seconds + self.fixed * self.shared), 0.999)
        return result

    @cached_property
    def added(self) -> Floats:
        """Share m = λ·c of a longer step by which the next is longer: what prompts bring, without what they share."""
        result: Floats = np.minimum(self.requests_per_s * self.seconds, 0.999)
        return result

    @cached_property
    def idle_share(self) -> Floats:
        """1 − w."""
        result: Floats = 1.0 - self.busy_share
        return result

    @cached_property
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
        result: Floats = np.where(self.pool > 1.0, misled + (1.0 - misled) * all_busy, 1.0)
        return result

    def again(self, come: Floats) -> Floats:
        """Return β: how many others come with an arrival among ``come``, over those that would on its own.

        A router that has sent a replica one request sends others theirs first: of the n − 1 a half on average, so that
        q = (1 − 1/n)/2 fewer come, as time passes for them to: β = 1 − q/λX·(1 − e^(−λX/q)).
        """
        passed = come / self._turns
        result: Floats = 1.0 + np.expm1(-passed) / passed
        return result

    @cached_property
    def _turns(self) -> Floats:
        """q, of which β is made."""
        result: Floats = np.maximum(0.5 - 0.5 / self.pool, TINY)
        return result

    @cached_property
    def clumped_square(self) -> Floats:
        """E[c²] and what clumps bring, beyond a Poisson process: (c_a² − 1)/N·c², seconds²."""
        result: Floats = self.square + self.clumps * self.seconds * self.seconds
        return result

    @cached_property
    def met_work(self) -> Floats:
        """E[c²] + (c_a² − 1)/N·c² + F·(2·c + F·h), seconds²: over λ, the work of prompts that a moment meets."""
        by_fixed = self.fixed * (2.0 * self.seconds + self.fixed * self.shared)
        result: Floats = np.maximum(self.clumped_square + by_fixed, 0.0)
        return result

    @property
    def work_variance(self) -> Floats:
        """Variance s² of the work that comes in a step, over the prompts that come, at most, seconds².

        E[c²] + h·F·(2·c + F) + (c_a² − 1)/N·c². Steps that carry prompts are taken to come like Poisson's; where most
        do, F varies less.
        """
        once = self.fixed * self.shared * (2.0 * self.seconds + self.fixed)
        result: Floats = np.maximum(self.clumped_square + once, 0.0)
        return result


def gate(
    prefills: Prefills,
    decoding: Floats,
    beside: Callable[[Floats], Floats],
    *,
    mixed: bool,
    later: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Return the wait for the gate (formula 4): for the running step, for prompts beside one's own, and its square.

    Who arrives during a step X is served in the next with all others who did. On its own a replica's arrivals meet a
    step in proportion to its length, X* = E[X²]/E[X]; behind a router they come less often while prompts run, by α, so
    that a step beyond the usual one counts α times for who meets it, and others come with one who came less often by β.
    Half of it remains on average:

        r = 1 − (1 − w)·e^(−B)             that anything runs at all
        X' = X⁰ + α·(X* − X⁰)              the step that is met; X⁰ = E[X], or τ where prompts run apart
        n = r·β·λ·X' + (c_a² − 1)/2N       others
        W = r·X'/2 + n·c'                  c' what a prompt adds to a step that carries one already

    Derived in spec-kit/methodology.md, "A replica at a load".

    Args:
        prefills: of the load: λ, B, c, E[c²], F, h, w, m; with nobody decoding and no prompt running nobody waits.
        decoding: τ, a step that only decodes, seconds.
        beside: seconds that so many prompts add to a step which carries one already: n·c'.
        mixed: whether prompts share steps with decoding; else a step is τ or the prompts that came.
        later: whether the next step is composed already: then one more passes, E[X] = τ/(1 − w) on average.

    Returns:
        Means of both waits, seconds, and the second moment of their sum, seconds².
    """
    rate, whole = prefills.requests_per_s, decoding / prefills.idle_share
    busy = prefills.while_busy
    usual = whole if mixed else decoding
    let: Floats | float = 1.0
    busy_square = busy * busy
    for _ in range(1 + bool((prefills.pool > 1.0).any())):
        met = _met_step(prefills, decoding, whole, (let, let * busy_square), mixed=mixed)
        let = prefills.again(rate * met)
    if mixed:
        third, usual_square = _met_square_mixed(prefills, whole, met, let * busy_square), whole * met
    else:
        third, usual_square = _met_square_apart(prefills, decoding, met), decoding * decoding
    mean, mean_square = usual + busy * (met - usual), usual_square + busy * (third - usual_square)
    running = 1.0 - prefills.idle_share * np.exp(-prefills.batch)
    let = prefills.again(rate * mean_square / mean)
    # What comes while a step runs, of whom its length brought the first.
    drawn = let * rate
    come = drawn * mean
    others = np.maximum(running * come + 0.5 * prefills.clumps, 0.0)
    step, by_others = 0.5 * running * mean, beside(others)
    by_one = by_others / np.maximum(others, TINY)
    dearer = by_one / np.maximum(prefills.seconds, TINY)
    each = drawn * by_one
    varied = np.maximum(prefills.clumped_square, 0.0) * dearer * dearer * come
    square = running * (mean_square * (1 / 3 + each + each * each) + varied)
    if (prefills.clumps > 0.0).any():
        # Half of a clump came before; what comes after lengthens the same step too.
        after = 0.5 * np.maximum(prefills.clumps, 0.0) * by_one
        square = square + 2.0 * after * (step + by_others)
    if later:
        # E[X²] = X*·E[X] is no less than E[X]², which X* of prompts that run apart, met as they run, need not keep.
        square = square + whole * (2.0 * (step + by_others) + running * np.maximum(met, whole))
        step = step + running * whole
    return step, by_others, square


def _met_step(
    prefills: Prefills, decoding: Floats, whole: Floats, pairs: tuple[Floats | float, Floats], *, mixed: bool
) -> Floats:
    """Return the mean length of the step that a moment meets, seconds.

        X* = (τ·(1 + w) + λ·(E[c²] + (c_a² − 1)/N·c² + F·(2·c + F·h)) + β·m²·(1 − α²)·E[X])/(1 − β·α²·m²)

    with τ·(1 − w) where a step is τ or the prompts that came. Told apart by what fills it, τ, a prompt's c or a step's
    F, a moment sees a step of mean length E[X]; of τ, F, that c and the others'; or of τ, F and as many c as prompts
    share it.
    """
    let, again = pairs
    square = prefills.added * prefills.added
    by_decoding = decoding * (1.0 + prefills.busy_share if mixed else prefills.idle_share)
    by_prompts = square * (let - again) * whole + prefills.requests_per_s * prefills.met_work
    result: Floats = (by_decoding + by_prompts) / (1.0 - again * square)
    return result


def _met_square_mixed(prefills: Prefills, whole: Floats, met: Floats, again: Floats) -> Floats:
    """Return E[X³]/E[X] where steps are τ and what prompts add, seconds².

    The third cumulant of a branching process whose steps bring prompts of E[c³] (as skewed with what a step costs once
    for carrying any), y as ``met_work`` has it: κ = (λ·E[X]·E[c³] + 3·β·α²·m·λ·y·Var X)/(1 − β·α²·m³).
    """
    rate, m, brought = prefills.requests_per_s, prefills.added, prefills.met_work
    beyond = np.maximum(met - whole, 0.0)
    more = brought / np.maximum(prefills.square, TINY)
    again = again * m
    third = rate * (prefills.cube * more * np.sqrt(more) + 3.0 * again * brought * beyond) / (1.0 - again * m * m)
    result: Floats = third + whole * (3.0 * beyond + whole)
    return result


def _met_square_apart(prefills: Prefills, decoding: Floats, met: Floats) -> Floats:
    """Return E[X³]/E[X] where steps are τ or prompts: F and an exponential beyond it, of the right E[B²]/E[B]."""
    once, w = prefills.fixed, prefills.busy_share
    batched = np.maximum((met - (1 - w) * decoding) / np.maximum(w, TINY), once)
    beyond = (batched - 2 * once + np.sqrt((batched - 2 * once) ** 2 + 8 * once * (batched - once))) / 4
    cube = once**3 + 3 * once * beyond * (once + 2 * beyond) + 6 * beyond**3
    result: Floats = (1 - w) * decoding**2 + w * cube / np.maximum(once + beyond, TINY)
    return result


class Response(Struct, frozen=True, dict=True):
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

    def mapped(self, change: Callable[[Floats], Floats]) -> "Response":
        """Return the same with every array changed alike."""
        return Response(*(change(getattr(self, name)) for name in self.__struct_fields__))

    @cached_property
    def left(self) -> Floats:
        """1 − m'."""
        result: Floats = 1.0 - self.passed
        return result

    @cached_property
    def stalled(self) -> Floats:
        """m'/(1 − m'): seconds of prompts that follow on one more second of them."""
        result: Floats = self.passed / self.left
        return result

    @cached_property
    def stiff(self) -> Floats:
        """1 − ε."""
        result: Floats = 1.0 - self.bent
        return result


def response(prefills: Prefills, elasticity: Floats) -> Response:
    """Return the linear response of replicas to the prompts that come.

    Args:
        prefills: of the load.
        elasticity: ε, of a decoding step's time in the batch.
    """
    rate = prefills.requests_per_s
    brought = np.minimum(prefills.added + rate * prefills.fixed * np.exp(-prefills.together), 0.999)
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
    before: Floats
    """Steps of an answer before any of it: 1 where the next step is composed already, else 0."""

    def mapped(self, change: Callable[[Floats], Floats]) -> "Stall":
        """Return the same with every array changed alike."""
        return Stall(*(change(getattr(self, name)) for name in self.__struct_fields__))

    def by_answer(self, decoded: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of what answers of so many decoding steps take longer, a last axis of answers."""
        lost = np.log(np.maximum(self.left, TINY))[..., None]  # an exponential, which is quicker than a power
        met = -np.expm1(lost * (decoded - self.before[..., None]))
        return self.seconds[..., None] * met, self.variance[..., None] * met


def stall(
    found: Response,
    prefills: Prefills,
    own: tuple[Floats, Floats],
    usual: Floats,
    free: Floats,
    answer_s: Floats,
    *,
    clump: Floats | float = 0.0,
    mixed: bool,
    later: bool,
) -> Stall:
    """Return what the prompts that came while a request's own ran add to its answer.

    A decoding step is as much longer as prompts came during the one before. The step before an answer's first is its
    own prompt's, of Y seconds with those who share it and those before it; its last step's arrivals meet no more of it:

        m'/(1 − m')·(Y − E[X]),  of variance (m'/(1 − m'))²·Var Y + s²·λ/(1 − m')²·(Y − E[X])

    where steps mix m'^i of it is left after i decoding steps, after 2·i + 1 where the next step is composed already;
    else prompts run until none is left.

    Args:
        found: response of the replica.
        prefills: of the load.
        own: mean and variance of Y, seconds and seconds².
        usual: E[X], the step during which prompts usually come: seconds.
        free: chance that who comes finds a seat while a request holds one.
        answer_s: T, of a mean answer, seconds.
        clump: of the arrivals that follow one in a clump, the share that comes after its step has begun, until its end.
        mixed: whether prompts share steps with decoding.
        later: whether the next step is composed while one runs.
    """
    mean, variance = own
    beyond = np.maximum(mean - usual, 0.0)
    # Who came while a router passed the replica by comes as its loads level again, during this stay or after it.
    level = answer_s / (answer_s + mean)
    response = (found.passed + (found.brought - found.passed) * level) / found.left * free
    rate = np.maximum(prefills.requests_per_s, TINY)
    drawn = found.burst / rate * free * beyond
    left = (np.sqrt(found.passed) if later else found.passed) if mixed else np.zeros(free.shape)
    followed = response / rate * (0.5 * prefills.clumps * clump)
    before = np.full(free.shape, float(later))
    return Stall(response * beyond + followed, response * response * variance + drawn, left, before)


def pace_variance(found: Response, prefills: Prefills, answer_share: Floats) -> Floats:
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
    """
    bent, batch = found.bent, prefills.batch
    passed = found.stiff[..., None] * answer_share
    kept = (passed + np.expm1(-passed)) / np.maximum(passed * passed, TINY)
    wander = bent * (bent / found.stiff * found.arrivals + found.stalled + found.burst) * np.expm1(-batch)
    stalls = (found.burst / np.maximum(batch, TINY))[..., None] / answer_share
    result: Floats = stalls - (2.0 * wander / (prefills.pool * np.maximum(batch, 1.0)))[..., None] * kept
    return result
