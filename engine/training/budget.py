"""What a training run takes: FLOPs, accelerator-hours, days, money, checkpoints and failures."""

from collections.abc import Iterator, Sequence
from math import ceil, sqrt
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.matrices import active_parameters, total_parameters
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from catalogs.units import GB, HOURS_PER_MONTH, show_bytes
from engine.fleet.offers import COMMITTED, newest_check, price_basis
from engine.training.memory import (
    Method,
    TrainingMemory,
    TrainingSetup,
    attention_flops_per_token,
    checkpoint_bytes,
    trained_parameters,
    training_memory,
)
from engine.training.utilisation import Utilisation, peak_flops, utilisation
from engine.workload import Money, Term

PASSES: Final[dict[Method, float]] = {"full": 6.0, "lora": 4.0, "qlora": 4.0}
"""FLOPs for each active parameter and token: 2 forward, 2 for gradients of activations, 2 for those of weights, which
frozen weights do without."""
QLORA_SLOWER = 1.6
"""Time of QLoRA over LoRA's, since weights are widened for each product: the geometric mean of 1.28 (Llama 3.1 8B,
README of pytorch/torchtune@0031bfb), 1.56 and 2.0 (Llama 2 7B and 13B, resource tables of Lightning-AI/litgpt)."""
USUAL_DAYS = 30.0
"""A run of which nothing is said takes no longer, unless that took more accelerators than runs like it had."""
HOURS_PER_FAILURE = 50_700.0
"""Accelerator-hours for each unexpected interruption: 419 in 54 days on 16,384 H100 (arXiv 2407.21783, 3.3.4)."""
RESTART_HOURS = 0.3
"""From an interruption to the next step, at most: a tenth of the time was lost at 7.8 of them a day (the same)."""
CHECKPOINT_BYTES_PER_S = 1e9
"""That a node writes: 2 TB/s sustained for the 2,048 nodes of that run (the same, 3.3.1)."""
CHECKPOINTS_KEPT = 3
"""The last ones, of which one may turn out broken."""
STORAGE_USD_PER_GB_MONTH = 0.023
"""Amazon S3 Standard, us-east-1, first 50 TB (aws.amazon.com/s3/pricing, 2026-11)."""
MOST_ACCELERATORS = 2**17
TERMS: Final[tuple[Term, ...]] = ("on_demand", "spot", "reserved_1y")
DAYS_RESERVED: Final = 365
"""Of a run from which the price of a reservation is its own: a shorter one pays the year all the same."""


class TrainingQuestion(Struct, frozen=True):
    """What is to be trained, how, and on what."""

    model: ModelArchitecture
    accelerator: Accelerator
    tokens: float
    setup: TrainingSetup = TrainingSetup()
    """Its count of accelerators is taken where ``count`` gives it."""
    count: int | None = None
    days: float | None = None
    """The run may take; decides the count where none is given."""
    mfu: float | None = None
    """Known from a run of one's own."""
    money: Money = Money()


class RunOption(Struct, frozen=True):
    """A run on so many accelerators."""

    accelerators: int
    mfu: float
    accelerator_hours: float
    days: float
    cost_usd: float | None
    failures: float
    """Expected interruptions."""


class TermCost(Struct, frozen=True):
    """The run at another term's price."""

    term: Term
    provider: str
    usd_per_accelerator_hour: float
    cost_usd: float


class Checkpoints(Struct, frozen=True):
    """Checkpoints from which training can go on."""

    bytes: float
    interval_hours: float
    """Young's: the root of 2 × the time to write one × the time between failures."""
    kept: int
    storage_usd: float
    """For as long as the run takes."""
    lost_share: float
    """Of the time: writing, work done again, restarts; in the hours already, which are those of whole runs."""


class TrainingBudget(Struct, frozen=True):
    """What a run takes."""

    model: str
    accelerator: str
    method: Method
    tokens: float
    parameters: int
    active_parameters: int
    trained_parameters: int
    flops: float
    attention_share: float
    """Of the FLOPs."""
    mfu: Utilisation
    accelerator_hours: float
    accelerator_hours_low: float
    accelerator_hours_high: float
    accelerators: int
    fewest_accelerators: int
    """That hold the training."""
    days: float
    usd_per_accelerator_hour: float | None
    provider: str
    cost_usd: float | None
    cost_low_usd: float | None
    cost_high_usd: float | None
    terms: tuple[TermCost, ...]
    memory: TrainingMemory
    setup: TrainingSetup
    failures: float
    checkpoints: Checkpoints
    options: tuple[RunOption, ...]
    notes: tuple[str, ...]


def training_budget(question: TrainingQuestion, catalog: Catalog) -> TrainingBudget:
    """Return what a run takes.

    Raises:
        InputError: the accelerator has no 16-bit peak, or the run fits no number of them that was asked for.
    """
    model, accelerator = question.model, question.accelerator
    if not peak_flops(accelerator):
        raise InputError(f"{accelerator.name} has no 16-bit matrix unit to train on; H100 or MI300X have one")
    fewest = fewest_accelerators(question)
    if question.count and question.count < fewest:
        needed = training_memory(model, _shared(question, question.count)).total_bytes
        raise InputError(
            f"{question.setup.method} training of {model.name} on {question.count} × {accelerator.name} takes "
            f"{show_bytes(needed)} of each, which has {show_bytes(accelerator.memory_bytes)}; {fewest} hold it"
        )
    price, provider = _price(question, question.money.term, catalog)
    counts = [question.count] if question.count else list(_counts(fewest, accelerator.per_node))
    options = [_option(question, count, price, catalog) for count in counts]
    chosen = _chosen(question, options, _mfu(question, fewest, catalog).usual_accelerators)
    if question.days:
        chosen = _just_in_time(question, chosen, fewest, price, catalog)
        options = sorted({option.accelerators: option for option in (*options, chosen)}.values(), key=_accelerators)
    used = _mfu(question, chosen.accelerators, catalog)
    setup = _shared(question, chosen.accelerators)
    terms = tuple(
        TermCost(term, where, asked, asked * chosen.accelerator_hours)
        for term in TERMS
        if term != question.money.term and (term not in COMMITTED or chosen.days >= DAYS_RESERVED)
        for asked, where in [_price(question, term, catalog)]
        if asked is not None
    )
    hours = chosen.accelerator_hours
    low, high = hours * used.value / used.high, hours * used.value / used.low
    at = options.index(chosen)
    return TrainingBudget(
        model=model.name,
        accelerator=accelerator.name,
        method=question.setup.method,
        tokens=question.tokens,
        parameters=total_parameters(model),
        active_parameters=active_parameters(model),
        trained_parameters=trained_parameters(model, setup),
        flops=_flops(question),
        attention_share=attention_flops_per_token(model, setup.sequence) * question.tokens / _flops(question),
        mfu=used,
        accelerator_hours=hours,
        accelerator_hours_low=low,
        accelerator_hours_high=high,
        accelerators=chosen.accelerators,
        fewest_accelerators=fewest,
        days=chosen.days,
        usd_per_accelerator_hour=price,
        provider=provider,
        cost_usd=chosen.cost_usd,
        cost_low_usd=None if price is None else low * price,
        cost_high_usd=None if price is None else high * price,
        terms=terms,
        memory=training_memory(model, setup),
        setup=setup,
        failures=chosen.failures,
        checkpoints=_checkpoints(question, chosen),
        options=tuple(options[max(0, at - 2) : at + 3]),
        notes=tuple(_notes(question, used)),
    )


def fewest_accelerators(question: TrainingQuestion) -> int:
    """Return the fewest accelerators, a power of two, that hold the training.

    Raises:
        InputError: no number of them does.
    """
    count = 1
    while training_memory(question.model, _shared(question, count)).total_bytes > question.accelerator.memory_bytes:
        count *= 2
        if count > MOST_ACCELERATORS:
            alone = training_memory(question.model, _shared(question, count // 2))
            raise InputError(
                f"no number of {question.accelerator.name} holds {question.setup.method} training of "
                f"{question.model.name} in {question.setup.micro_batch} × {question.setup.sequence} tokens: each would "
                f"take {show_bytes(alone.total_bytes)}; checkpointing, shorter sequences or ZeRO 3 take less"
            )
    return count


def _shared(question: TrainingQuestion, count: int) -> TrainingSetup:
    return replace(question.setup, accelerators=count)


def _counts(fewest: int, per_node: int) -> Iterator[int]:
    count = fewest
    while count <= MOST_ACCELERATORS:
        yield count if count <= per_node else ceil(count / per_node) * per_node
        count *= 2


def _chosen(question: TrainingQuestion, options: Sequence[RunOption], usual: float | None) -> RunOption:
    """Return the smallest run within the days; of which nothing is said, at most as large as such runs usually are."""
    if question.count:
        return options[0]
    limit = question.days or USUAL_DAYS
    within = next((option for option in options if option.days <= limit * (1 + 1e-9)), None)
    if question.days:
        if within is None:
            raise InputError(
                f"{MOST_ACCELERATORS:,} {question.accelerator.name} would take {options[-1].days:.3g} days; more than "
                f"{question.days:g} days, or fewer tokens, would be possible"
            )
        return within
    ordinary = [option for option in options if usual is None or option.accelerators <= usual] or options[:1]
    return within if within and within.accelerators <= ordinary[-1].accelerators else ordinary[-1]


def _just_in_time(
    question: TrainingQuestion, within: RunOption, fewest: int, price: float | None, catalog: Catalog
) -> RunOption:
    """Return the smallest run within the days, in whole nodes, between half of one that is and that one."""
    node = question.accelerator.per_node
    least, most = max(within.accelerators // 2 // node, fewest // node), within.accelerators // node
    while most - least > 1:
        middle = (least + most) // 2
        if _option(question, middle * node, price, catalog).days <= (question.days or 0.0):
            most = middle
        else:
            least = middle
    return _option(question, most * node, price, catalog) if most * node > node else within


def _accelerators(option: RunOption) -> int:
    return option.accelerators


def _flops(question: TrainingQuestion) -> float:
    passes = PASSES[question.setup.method]
    attention = attention_flops_per_token(question.model, question.setup.sequence)
    return question.tokens * (passes * active_parameters(question.model) + attention)


def _mfu(question: TrainingQuestion, count: int, catalog: Catalog) -> Utilisation:
    active, total = active_parameters(question.model), total_parameters(question.model)
    expected = utilisation(
        catalog.training_runs,
        catalog.accelerators,
        question.accelerator,
        active_parameters=active,
        is_mixture=active < total,
        count=count,
    )
    if question.mfu is not None:
        return Utilisation(question.mfu, question.mfu, question.mfu, (), None)
    if question.setup.method != "qlora":
        return expected
    value, low, high = (one / QLORA_SLOWER for one in (expected.value, expected.low, expected.high))
    return replace(expected, value=value, low=low, high=high)


def _option(question: TrainingQuestion, count: int, price: float | None, catalog: Catalog) -> RunOption:
    mfu = _mfu(question, count, catalog).value
    hours = _flops(question) / (peak_flops(question.accelerator) * mfu * 3600)
    return RunOption(
        count, mfu, hours, hours / count / 24, None if price is None else hours * price, hours / HOURS_PER_FAILURE
    )


def _price(question: TrainingQuestion, term: Term, catalog: Catalog) -> tuple[float | None, str]:
    """Return USD per accelerator-hour at a term, and whose price it is."""
    money = replace(question.money, term=term)
    if money.usd_per_accelerator_hour and term == question.money.term:
        return money.usd_per_accelerator_hour, "your own price"
    accelerator = question.accelerator
    offers = [offer for offer in catalog.offers if offer.accelerator == accelerator.id]
    basis = price_basis(offers, accelerator, money, accelerator.per_node, newest_check(catalog.offers))
    return (basis.usd_per_accelerator_hour, basis.provider) if basis else (None, "")


def _checkpoints(question: TrainingQuestion, option: RunOption) -> Checkpoints:
    size = checkpoint_bytes(question.model, question.setup)
    nodes = ceil(option.accelerators / question.accelerator.per_node)
    written_hours = size / (CHECKPOINT_BYTES_PER_S * nodes) / 3600
    between_hours = HOURS_PER_FAILURE / option.accelerators
    run_hours = option.days * 24
    interval = min(sqrt(2 * written_hours * between_hours), run_hours)
    kept = min(CHECKPOINTS_KEPT, ceil(run_hours / interval - 1e-9))
    lost = written_hours / interval + (interval / 2 + RESTART_HOURS) / between_hours
    months = run_hours / HOURS_PER_MONTH
    return Checkpoints(size, interval, kept, size / GB * kept * STORAGE_USD_PER_GB_MONTH * months, min(lost, 1.0))


def _notes(question: TrainingQuestion, used: Utilisation) -> Sequence[str]:
    notes = []
    if question.mfu is None:
        notes.append(
            f"the utilisation is that of published runs, the nearest of them {', '.join(used.runs)}, reckoned from "
            "their hours, so that restarts and evaluations are in it"
        )
    if question.setup.method != "full":
        notes.append("frozen weights need no gradients: 4 FLOPs for each parameter and token instead of 6")
    if question.setup.method == "qlora" and question.mfu is None:
        notes.append(f"QLoRA takes {QLORA_SLOWER:g} × the time of LoRA: weights are widened for each product")
    notes.append("experiments, failed runs, data and people are not in it")
    return notes
