"""The flags of `train`, and the question that they state."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from agent.fields.field import Flag
from agent.fields.readers import read_choice, read_size, read_term, read_text
from agent.statements.models import resolve_model
from agent.statements.names import named
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput, InputError
from catalogs.records.models import ModelArchitecture
from catalogs.units import SECONDS_PER_DAY, read_percentage, read_seconds, read_tokens, read_usd, read_whole
from engine.training.budget import TrainingQuestion
from engine.training.memory import Method, Optimiser, TrainingSetup
from engine.workload import Money

METHODS: Final = get_args(Method)
OPTIMISERS: Final = get_args(Optimiser)


def _days(text: str, what: str) -> float:
    return read_seconds(text, what, unit="days") / SECONDS_PER_DAY


def _method(text: str, what: str) -> str:
    return read_choice(text, what, METHODS)


def _optimiser(text: str, what: str) -> str:
    return read_choice(text, what, OPTIMISERS)


def _share(text: str, what: str) -> float:
    share = read_percentage(text, what)
    if not 0 < share <= 1:
        raise InputError(f"{what} {text} is no share of the peak; more than 0 and at most 100 % is accepted")
    return share


def _stage(text: str, what: str) -> int:
    stage = read_whole(text, what, minimum=0)
    if stage > 3:
        raise InputError(f"{what} {text} is no stage of ZeRO; 0, 1, 2 and 3 are, FSDP being 3")
    return stage


TRAINING: Final[Mapping[str, tuple[Flag, ...]]] = {
    "The run": (
        Flag("model", "--model", None, "NAME", "From the catalog, owner/name on the hub, a config.json."),
        Flag("size", "--model-size", None, "SIZE", "The best-known architecture of a size: 70 or 70B."),
        Flag("tokens", "--tokens", read_tokens, "N", "That are trained on: 15T, 1B."),
        Flag("accelerator", "--gpu-type", None, "NAME", "The accelerator."),
        Flag("count", "--gpus", read_whole, "N", "How many of them; as runs like it had by default."),
        Flag("days", "--days", _days, "TIME", "The run may take: decides how many."),
    ),
    "How it is trained": (
        Flag("setup.method", "--method", _method, "|".join(METHODS), "What is trained: all weights by default."),
        Flag("setup.sequence", "--sequence", read_tokens, "N", "Tokens of a sequence; 4096 by default."),
        Flag("setup.micro_batch", "--micro-batch", read_whole, "N", "Sequences that an accelerator takes together; 1."),
        Flag("setup.optimiser", "--optimizer", _optimiser, "|".join(OPTIMISERS), "Whose states memory holds."),
        Flag("setup.zero_stage", "--zero", _stage, "0..3", "What accelerators share out; 3 (FSDP) by default."),
        Flag("setup.lora_rank", "--lora-rank", read_whole, "N", "Rank of the adapters; 16 by default."),
        Flag("mfu", "--mfu", _share, "40%", "Utilisation of your own runs, instead of published ones."),
    ),
    "Money": (
        Flag("money.usd_per_accelerator_hour", "--price", read_usd, "USD", "Yours, for each accelerator-hour."),
        Flag("money.term", "--term", read_term, "TERM", "on_demand, spot, reserved_1y or reserved_3y."),
        Flag("money.provider", "--provider", read_text, "NAME", "Whose prices."),
        Flag("money.region", "--region", read_text, "NAME", "Where."),
    ),
}
"""By the panel of --help in which they stand."""


def training_question(texts: Mapping[str, str], catalog: Catalog, *, checkpointing: bool = True) -> TrainingQuestion:
    """Return the question that flags state.

    Args:
        texts: what stands behind each flag that was given.
        checkpointing: of activations.

    Raises:
        IncompleteInput: the model, the tokens or the accelerator is missing; all are named.
        InputError: a value or a name that cannot be used.
    """
    for one, other in (("--model", "--model-size"), ("--gpus", "--days")):
        if one in texts and other in texts:
            raise InputError(
                f"{one} {texts[one]} and {other} {texts[other]} contradict each other: leave one of them out"
            )
    needed = [words for flags, words in _NEEDED.items() if not any(flag in texts for flag in flags)]
    if needed:
        raise IncompleteInput(needed)
    values = {
        flag.path: flag.read(texts[flag.flag], flag.flag)
        for flags in TRAINING.values()
        for flag in flags
        if flag.read and flag.flag in texts
    }
    with named("--gpu-type"):
        accelerator = catalog.accelerator(texts["--gpu-type"])
    size = texts.get("--model-size")
    with named("--model-size" if size else "--model"):
        model = _model(read_size(size, "the size") if size else texts["--model"], catalog)
    return TrainingQuestion(
        model=model,
        accelerator=accelerator,
        tokens=float(values["tokens"]),
        setup=TrainingSetup(checkpointing=checkpointing, **_below("setup.", values)),
        count=values.get("count"),
        days=values.get("days"),
        mfu=values.get("mfu"),
        money=Money(**_below("money.", values)),
    )


def _below(begins: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {path.removeprefix(begins): value for path, value in values.items() if path.startswith(begins)}


_NEEDED: Final[Mapping[tuple[str, ...], str]] = {
    ("--model", "--model-size"): "a model (--model or --model-size)",
    ("--tokens",): "tokens to train on (--tokens 15T)",
    ("--gpu-type",): "an accelerator (--gpu-type)",
}


def _model(text: str, catalog: Catalog) -> ModelArchitecture:
    found = resolve_model(text, catalog)
    return found.architecture or catalog.model(found.name).model
