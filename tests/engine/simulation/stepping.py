"""An independent simulator that takes every step one by one: what the fast one must equal. Slow and obvious."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from math import ceil, inf

import numpy as np

from catalogs.records.runtimes import AnswerReserve, Scheduler
from engine.simulation import Requests, StepModel


class Pool:
    """KV blocks one by one, in the order in which others take them: as vLLM's pool."""

    def __init__(self, blocks: int) -> None:
        self.size = blocks
        self.unused = blocks
        self.empty: list[int] = []
        """Given back with nothing in them that could be found; the latest goes first."""
        self.given_back: dict[int, None] = {}
        self.holders: dict[int, int] = {}
        self.content: dict[int, Hashable] = {}
        self.findable: dict[Hashable, dict[int, None]] = {}

    @property
    def free(self) -> int:
        return self.unused + len(self.empty) + len(self.given_back)

    def take(self) -> int:
        """The block that has been free for longest; what it held cannot be found any more."""
        if self.empty:
            block = self.empty.pop()
        elif self.unused:
            self.unused -= 1
            block = self.unused
        else:
            block = next(iter(self.given_back))
            del self.given_back[block]
        held = self.content.pop(block, None)
        if held is not None:
            del self.findable[held][block]
        self.holders[block] = 1
        return block

    def give_back(self, blocks: list[int]) -> None:
        """The tail first."""
        for block in reversed(blocks):
            self.holders[block] -= 1
            if not self.holders[block]:
                if block in self.content:
                    self.given_back[block] = None
                else:
                    self.empty.append(block)

    def keep(self, block: int, content: Hashable) -> None:
        if block not in self.content:
            self.content[block] = content
            self.findable.setdefault(content, {})[block] = None

    def forget(self, blocks: list[int]) -> None:
        for block in blocks:
            del self.findable[self.content.pop(block)][block]
            del self.given_back[block]
            self.empty.append(block)

    def find(self, contents: Iterable[Hashable]) -> list[int]:
        """The blocks that hold these, as far as all before them are found too."""
        return [next(iter(self.findable[content])) for content in takewhile(self.findable.get, contents)]

    def hold(self, blocks: list[int]) -> None:
        for block in blocks:
            self.given_back.pop(block, None)
            self.holders[block] += 1


@dataclass
class Job:
    number: int
    arrival: float
    prompt: int
    output: int
    cached: int
    prefix: int = -1
    shared: int = 0
    """Tokens of the prompt with which all of its prefix begin."""
    computed: int = 0
    """Tokens whose KV is held."""
    blocks: list[int] = field(default_factory=list)
    kept: int = 0
    """Of these, so many can be found."""
    target: int = 0
    """Tokens that must be computed before the next token comes out of the prefill."""
    emitted: int = 0
    admitted: float = -1.0
    first: float = -1.0
    finish: float = -1.0
    preemptions: int = 0

    @property
    def decoding(self) -> bool:
        return self.computed >= self.target

    @property
    def done(self) -> bool:
        return self.emitted == self.output

    def content(self, block: int, size: int) -> Hashable:
        """What the block of this number holds."""
        return (self.prefix, block) if (block + 1) * size <= self.shared else (self.number, block, "own")


@dataclass
class Stepper:
    """One replica."""

    model: StepModel
    policy: Scheduler
    clock: float = 0.0
    running: list[Job] = field(default_factory=list)
    waiting: deque[Job] = field(default_factory=deque)
    seen: list[Job] = field(default_factory=list)
    inbox: deque[Job] = field(default_factory=deque)
    assigned: list[Job] = field(default_factory=list)
    since: float = inf
    held_back: int = 0
    most_blocks: int = 0
    gaps: list[tuple[float, int]] = field(default_factory=list)
    held: list[tuple[float, float, int, int]] = field(default_factory=list)
    """(from, to, requests running, KV tokens) of each step."""

    def __post_init__(self) -> None:
        self.pool = Pool(self.model.blocks)
        self.size = self.model.block_tokens
        self.share = self.policy.answer_reserve.share if self.policy.answer_reserve else 0.0
        self.full = False
        """Nobody is admitted until somebody leaves."""
        self.stale: list[Job] = []
        """Those that ended and count as running until the next decoding step."""
        self.in_flight: list[Job] = []
        """Those that the last step gave a token, which its scheduler does not know yet where steps overlap."""

    @property
    def live(self) -> list[Job]:
        """Those that run and are not done; one that is done may keep its seat and blocks for one more scheduling."""
        return [job for job in self.running if not job.done]

    def seats(self) -> int:
        return min(self.model.seats, self.model.budget) if self.policy.mixed else self.model.seats

    def preempt_last(self) -> Job:
        job = self.running.pop()
        self.pool.give_back(job.blocks)
        job.blocks, job.kept = [], 0
        if not job.done:
            job.computed, job.preemptions = 0, job.preemptions + 1
            self.waiting.appendleft(job)
        return job

    def look(self) -> None:
        """Take in arrivals."""
        if self.policy.one_step_later:
            self.waiting.extend(self.seen)
            self.seen = []
        if self.since >= self.policy.poll_steps:
            while self.inbox and self.inbox[0].arrival <= self.clock:
                self.seen.append(self.inbox.popleft())
            self.since = 0
        if not self.policy.one_step_later:
            self.waiting.extend(self.seen)
            self.seen = []

    def step(self) -> bool:
        """Take one step at the clock; False when there is nothing to do until a request arrives."""
        self.look()
        if not self.running and not self.waiting:
            self.stale = []
            self.share = self.policy.answer_reserve.share if self.policy.answer_reserve else 0.0
            return self.wait()
        if self.policy.answer_reserve:
            return self.step_by_answers(self.policy.answer_reserve)
        if self.policy.mixed:
            budget, work, preempted = self.run_running(self.model.budget)
        else:
            partial = [job for job in self.live if not job.decoding]
            budget, work, preempted = self.model.budget, [], False
            if partial:
                chunk = min(partial[0].target - partial[0].computed, budget)
                if self.allocate(partial[0], chunk):
                    work.append((partial[0], chunk))
                    budget -= chunk
                else:
                    preempted = True
                    self.preempt_last()
        holding = False
        if not preempted:
            holding = self.admit(budget, work)
        prompts = [(job, chunk) for job, chunk in work if not job.decoding]
        if not self.policy.mixed and not prompts:
            _, work, _ = self.run_running(self.model.budget, decode_only=True)
        self.held_back = 0 if prompts else self.held_back + holding
        for job in [job for job in self.running if job.done]:
            self.release(job)
        if work:
            self.execute(work)
        self.since = inf if (prompts and not self.policy.mixed) or not work else self.since + 1
        return True

    def wait(self) -> bool:
        """Nothing is there: take in who was seen, or go on to the next arrival; False where there is none."""
        if self.seen:
            self.waiting.extend(self.seen)
            self.seen = []
        elif self.inbox:
            self.clock = max(self.clock, self.inbox[0].arrival)
        else:
            return False
        self.since = inf
        return True

    # --- admission by what clients may yet ask for, as SGLang's ---

    def asked(self, job: Job) -> int:
        """No more than the pool can hold."""
        asked = 0 if self.model.fixed_answers else self.model.asked_tokens
        return max(min(asked, self.pool.size * self.size - 2 - job.prompt), job.output)

    def unforeseen(self, job: Job) -> bool:
        """Whether its last token comes as a surprise, so that it is decoded once more before its end is known."""
        reserve = self.policy.answer_reserve
        return reserve is not None and not (reserve.foresees_ends and self.asked(job) == job.output)

    def known(self, job: Job) -> int:
        return job.emitted - (job in self.in_flight)

    def step_by_answers(self, reserve: AnswerReserve) -> bool:
        overlaps = self.policy.release_one_step_later
        if not overlaps:
            self.in_flight = []
        seated = overlaps and reserve.seated_until_decoding
        partial = [job for job in self.running if not job.decoding]
        decoding = [job for job in self.running if job.decoding]
        work: list[tuple[Job, int]] = []
        self.full &= bool(decoding or self.stale)
        if partial or (self.waiting and not self.full):
            work = self.prompts_by_answers(reserve, partial, decoding + self.stale)
            self.full &= bool(decoding or self.stale)  # it was noted of a batch that nobody decoded in
        if not work:
            again = [job for job in decoding if not job.done or (overlaps and self.unforeseen(job))]
            if self.stale or len(again) < len(decoding):
                self.stale, self.full = [], False
            work = self.decode_by_answers(reserve, again)
        prompts = [job for job, _ in work if not job.decoding]
        if overlaps:
            for job in [job for job in self.running if job.done]:
                self.release(job)
                if seated and (prompts or any(one is job for one, _ in work)):
                    self.stale.append(job)
                elif not seated:
                    self.full = False
        self.in_flight = []
        if work:
            self.execute(work)
            self.in_flight = [job for job, _ in work if job.decoding]
            if not overlaps and any(job.done for job, _ in work):
                self.full = False
        self.since = inf if (prompts and not self.policy.mixed) or not work else self.since + 1
        return True

    def prompts_by_answers(
        self, reserve: AnswerReserve, partial: list[Job], decoding: list[Job]
    ) -> list[tuple[Job, int]]:
        seats = self.model.seats - len(decoding)
        if seats <= 0 and not partial:
            self.full = True
            return []
        offset = sum(
            min(self.asked(job) - self.known(job), reserve.most_tokens)
            * (1.0 if reserve.fixed_whole and self.model.fixed_answers else self.share)
            for job in decoding
        )
        spent = 0
        room = self.model.budget
        free = self.pool.free * self.size
        work: list[tuple[Job, int]] = []

        def charge(job: Job, chunk: int, rest: int, there: int = 0) -> None:
            nonlocal offset, spent, room
            taken = chunk + there + self.size
            offset += taken + (min(self.asked(job), reserve.most_tokens) if chunk == rest else 0)
            spent += taken
            room -= chunk
            assert self.allocate(job, chunk)
            work.append((job, chunk))

        for job in partial:
            rest = job.target - job.computed
            most = min(room, int(free - offset))
            chunk = min(rest, most if most > 0 else room, free)
            if not chunk:
                return []
            charge(job, chunk, rest)
        while self.waiting and room > 0:
            if len(work) >= seats:
                self.full = True
                break
            job = self.waiting[0]
            target = job.prompt + job.emitted
            shared = range(job.shared if self.policy.prefix_cache else 0)
            found = self.pool.find(job.content(number, self.size) for number in shared)
            if len(found) < len(shared):  # a radix cache gives a prefix up as a whole
                self.pool.forget(found)
                found = []
            beside = sum(block not in self.pool.given_back for block in found)
            start = max(job.cached, len(found))
            rest = target - start
            wanted = target + min(max(self.asked(job) - job.emitted, 0), reserve.most_tokens) + reserve.spare_tokens
            wanted -= beside
            if wanted >= free - offset:
                self.full = bool(work or decoding)
                break
            self.waiting.popleft()
            self.pool.hold(found)
            job.blocks, job.kept, job.computed, job.target = found, 0, start, target
            if job.admitted < 0:
                job.admitted = self.clock
            self.running.append(job)
            # Tokens whose KV is there already are held too.
            charge(job, min(rest, room), rest, start - beside)
            if free - max(offset, spent) <= 0:
                self.full = True
                break
        return work

    def decode_by_answers(self, reserve: AnswerReserve, decoding: list[Job]) -> list[tuple[Job, int]]:
        if not decoding:
            return []
        if len(decoding) * self.size > self.pool.free * self.size:
            if any(job.done and job not in decoding for job in self.running):
                self.full = False
                return []
            self.retract(reserve, decoding)
        else:
            fall = (reserve.share - reserve.least_share) / reserve.fall_steps
            self.share = max(self.share - fall, reserve.least_share)
        for job in decoding:
            assert self.allocate(job, 1)
        return [(job, 1) for job in decoding]

    def retract(self, reserve: AnswerReserve, decoding: list[Job]) -> None:
        ended = [job for job in decoding if job.done]
        decoding[:] = [job for job in decoding if not job.done]
        decoding.sort(key=lambda job: (self.known(job), -job.prompt), reverse=True)
        first = True
        while first or len(decoding) + len(ended) > self.pool.free:
            first = False
            job = decoding.pop()
            self.running.remove(job)
            self.pool.give_back(job.blocks)
            if job in self.in_flight:
                job.emitted -= 1  # the token that was on its way is lost
                if not job.emitted:
                    job.first = -1.0
            job.blocks, job.kept, job.computed, job.preemptions = [], 0, 0, job.preemptions + 1
            self.waiting.append(job)
        self.running = decoding + [job for job in self.running if job not in decoding]
        used = sum(self.known(job) for job in decoding) + reserve.steps_ahead * len(decoding)
        self.share = min(used / (sum(self.asked(job) for job in decoding) + 1), 1.0)
        self.full = False
        decoding += ended

    def run_running(self, budget: int, decode_only: bool = False) -> tuple[int, list[tuple[Job, int]], bool]:
        """Give the running requests their tokens, in order of admission; the last is preempted when KV runs short."""
        work: list[tuple[Job, int]] = []
        preempted = False
        at = 0
        while at < len(self.running):
            job = self.running[at]
            chunk = 1 if job.decoding else min(job.target - job.computed, budget)
            if job.done or chunk == 0 or (decode_only and not job.decoding):
                at += 1
                continue
            fits = self.allocate(job, chunk)
            while not fits:
                preempted = True
                if self.preempt_last() is job:
                    break
                fits = self.allocate(job, chunk)
            if not fits:
                break
            work.append((job, chunk))
            if not decode_only:
                budget -= chunk
            at += 1
        return budget, work, preempted

    def allocate(self, job: Job, chunk: int) -> bool:
        """Whether the blocks for so many more tokens are free; then they are taken."""
        tokens = self.reserved(job) if self.policy.reserve_output else job.computed + chunk
        more = ceil(tokens / self.size) - len(job.blocks)
        if more > self.pool.free:
            return False
        job.blocks += [self.pool.take() for _ in range(more)]
        # Where a step is composed while the one before runs, the token of that one is not known yet.
        known = job.prompt + job.emitted - (self.policy.release_one_step_later and job.decoding)
        if not self.policy.answer_reserve:
            self.keep(job, min(job.computed + chunk, known))
        return True

    def share_prefix(self, job: Job) -> None:
        """Make a prefix findable once it is computed, or give up what others have computed at the same time."""
        for number in range(job.shared if self.policy.prefix_cache else 0):
            there = self.pool.find([job.content(number, self.size)])
            if there and there[0] != job.blocks[number]:
                self.pool.give_back([job.blocks[number]])
                self.pool.hold(there)
                job.blocks[number] = there[0]
            self.pool.keep(job.blocks[number], job.content(number, self.size))

    def reserved(self, job: Job) -> int:
        return job.prompt + (self.asked(job) if self.policy.reserve_asked else job.output)

    def keep(self, job: Job, tokens: int) -> None:
        """Make the full blocks of these tokens findable."""
        if self.policy.prefix_cache:
            for number in range(job.kept, tokens // self.size):
                self.pool.keep(job.blocks[number], job.content(number, self.size))
            job.kept = max(job.kept, tokens // self.size)

    def admit(self, budget: int, work: list[tuple[Job, int]]) -> bool:
        """Admit waiting requests; True when they are held back to run more of them together."""
        decoding = sum(1 for job in self.live if job.decoding)
        prompts = [chunk for job, chunk in work if not job.decoding]
        most = self.policy.prompts_per_step or inf
        while self.waiting and len(self.running) < self.seats() and budget > 0 and len(prompts) < most:
            job = self.waiting[0]
            target = job.prompt + job.emitted
            found = self.found(job, target)
            start = max(job.cached, len(found) * self.size)
            rest = target - start
            chunk = min(rest, budget)
            if not self.policy.chunked:
                if rest > budget and (prompts or rest <= self.model.budget):
                    break
                chunk = rest
            tokens = target if self.policy.admit_whole_prompt else start + chunk
            if self.policy.reserve_output:
                tokens = self.reserved(job)
            needed = ceil(tokens / self.size) - sum(block not in self.pool.given_back for block in found)
            if needed > self.pool.free:
                break
            if decoding and not prompts and self.held_back < self.policy.batch_wait_steps:
                tokens = decoding + sum(job.prompt + job.emitted - job.cached for job in self.waiting)
                if tokens < self.model.budget:
                    return True
            self.waiting.popleft()
            self.pool.hold(found)
            job.blocks, job.kept, job.computed, job.target = found, len(found), start, target
            assert self.allocate(job, chunk)
            if job.admitted < 0:
                job.admitted = self.clock
            self.running.append(job)
            work.append((job, chunk))
            prompts.append(chunk)
            budget -= chunk
        return False

    def found(self, job: Job, target: int) -> list[int]:
        """Blocks that hold the begin of a request's tokens; the last token is computed again, or none would follow."""
        if not self.policy.prefix_cache or self.policy.reserve_output:
            return []
        return self.pool.find(job.content(number, self.size) for number in range((target - 1) // self.size))

    def release(self, job: Job) -> None:
        self.running.remove(job)
        self.keep(job, job.computed)
        self.pool.give_back(job.blocks)
        job.blocks = []

    def execute(self, work: list[tuple[Job, int]]) -> None:
        decodes = [job.computed + 1 for job, _ in work if job.decoding]
        chunks = [(job.computed, chunk) for job, chunk in work if not job.decoding]
        seconds = step_seconds(self.model, decodes, chunks)
        start, self.clock = self.clock, self.clock + seconds
        if decodes:
            self.gaps.append((seconds, len(decodes)))
        self.held.append((start, self.clock, len(self.running), sum(job.computed for job in self.running)))
        prefilling = [job for job, _ in work if not job.decoding]
        for job, chunk in work:
            job.computed += chunk
            if job.computed < job.target or job.done:
                continue
            job.emitted += 1
            if job.first < 0:
                job.first = self.clock
            if self.policy.answer_reserve and job in prefilling:
                self.share_prefix(job)
            if job.done:
                job.finish = self.clock
                if not self.policy.release_one_step_later:
                    self.release(job)
        used = self.pool.size - self.pool.free
        assert used <= self.pool.size
        self.most_blocks = max(self.most_blocks, used)

    def run_until(self, time: float) -> None:
        while self.clock < time:
            if not self.step():
                break

    def outstanding(self, now: float) -> int:
        return sum(1 for job in self.assigned if job.finish < 0 or job.finish > now)


def step_seconds(model: StepModel, decodes: list[int], chunks: list[tuple[int, int]]) -> float:
    """The formula of engine.step.table, term by term."""
    tokens = len(decodes) + sum(chunk for _, chunk in chunks)
    seconds = line(model.tokens, model.seconds, tokens)
    if decodes:
        seconds += model.decode_fixed_s + model.decode_sequence_s * len(decodes)
        seconds += model.decode_further_s * max(len(decodes) - model.decode_further_from, 0)
    if chunks:
        seconds += model.prompt_fixed_s + model.prompt_token_s * sum(chunk for _, chunk in chunks)
    for window, c_d, c_a in zip(model.windows, model.decode_context_s, model.prompt_context_s, strict=True):
        if decodes:
            seen = sum(min(context, window) for context in decodes)
            seconds += c_d * (seen + model.decode_extra * seen / len(decodes))
        seconds += c_a * sum(chunk * min(start + chunk / 2, window) for start, chunk in chunks)
    return seconds


def line(xs: list[float], ys: list[float], x: float) -> float:
    at = 0
    while at < len(xs) - 2 and x > xs[at + 1]:
        at += 1
    return ys[at] + (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]) * (x - xs[at])


def jobs_of(requests: Requests) -> list[Job]:
    lengths = (requests.input_tokens, requests.output_tokens, requests.cached_tokens)
    whole = (*lengths, requests.prefix, requests.shared_tokens)
    columns = zip(requests.arrival_s.tolist(), *(column.tolist() for column in whole), strict=True)
    return [
        Job(number, arrival, prompt, output, min(cached, prompt - 1), prefix, shared if prompt > shared else 0)
        for number, (arrival, prompt, output, cached, prefix, shared) in enumerate(columns)
    ]


def step_through(
    model: StepModel, policy: Scheduler, requests: Requests, replicas: int = 1, routing: str = "round_robin"
) -> tuple[list[Job], list[Stepper]]:
    """Serve a load, step by step; least_outstanding looks at every replica at every arrival."""
    steppers = [Stepper(model, policy) for _ in range(replicas)]
    jobs = jobs_of(requests)
    latest = replicas - 1
    for job in jobs:
        if routing == "least_outstanding" and replicas > 1:
            for stepper in steppers:
                stepper.run_until(job.arrival)
            order = [(latest + 1 + i) % replicas for i in range(replicas)]
            latest = min(order, key=lambda at: (steppers[at].outstanding(job.arrival), order.index(at)))
        else:
            latest = job.number % replicas
        steppers[latest].inbox.append(job)
        steppers[latest].assigned.append(job)
    for stepper in steppers:
        stepper.run_until(inf)
    return jobs, steppers


def columns(jobs: list[Job]) -> np.ndarray:
    return np.array([(job.admitted, job.first, job.finish, job.preemptions) for job in jobs])
