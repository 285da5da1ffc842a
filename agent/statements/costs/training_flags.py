"""The flags of `train`, and the question that they state."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

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


READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "--method": lambda text, what: read_choice(text, what, METHODS),
    "--optimizer": lambda text, what: read_choice(text, what, OPTIMISERS),
    "--zero": _stage,
    "--sequence": read_tokens,
    "--micro-batch": read_whole,
    "--lora-rank": read_whole,
    "--gpus": read_whole,
    "--days": _days,
    "--mfu": _share,
    "--tokens": read_tokens,
    "--price": read_usd,
    "--term": read_term,
    "--provider": read_text,
    "--region": read_text,
}
_OF_SETUP: Final = {
    "--method": "method",
    "--optimizer": "optimiser",
    "--zero": "zero_stage",
    "--sequence": "sequence",
    "--micro-batch": "micro_batch",
    "--lora-rank": "lora_rank",
}
_OF_MONEY: Final = {
    "--price": "usd_per_accelerator_hour",
    "--term": "term",
    "--provider": "provider",
    "--region": "region",
}


def training_question(
    given: Mapping[str, str | None], catalog: Catalog, *, checkpointing: bool = True
) -> TrainingQuestion:
    """Return the question that flags state.

    Args:
        given: what stands behind each flag; None where it was not given.
        catalog: what names mean.
        checkpointing: of activations.

    Raises:
        IncompleteInput: the model, the tokens or the accelerator is missing; all are named.
        InputError: a value or a name that cannot be used.
    """
    texts = {flag: text for flag, text in given.items() if text is not None}
    for one, other in (("--model", "--model-size"), ("--gpus", "--days")):
        if one in texts and other in texts:
            raise InputError(
                f"{one} {texts[one]} and {other} {texts[other]} contradict each other: leave one of them out"
            )
    needed = [words for flags, words in _NEEDED.items() if not any(flag in texts for flag in flags)]
    if needed:
        raise IncompleteInput(needed)
    values = {flag: READERS[flag](text, flag) for flag, text in texts.items() if flag in READERS}
    with named("--gpu-type"):
        accelerator = catalog.accelerator(texts["--gpu-type"])
    size = texts.get("--model-size")
    with named("--model-size" if size else "--model"):
        model = _model(read_size(size, "the size") if size else texts["--model"], catalog)
    return TrainingQuestion(
        model=model,
        accelerator=accelerator,
        tokens=float(values["--tokens"]),
        setup=TrainingSetup(
            checkpointing=checkpointing, **{field: values[flag] for flag, field in _OF_SETUP.items() if flag in values}
        ),
        count=values.get("--gpus"),
        days=values.get("--days"),
        mfu=values.get("--mfu"),
        money=Money(**{field: values[flag] for flag, field in _OF_MONEY.items() if flag in values}),
    )


_NEEDED: Final[Mapping[tuple[str, ...], str]] = {
    ("--model", "--model-size"): "a model (--model or --model-size)",
    ("--tokens",): "tokens to train on (--tokens 15T)",
    ("--gpu-type",): "an accelerator (--gpu-type)",
}


def _model(text: str, catalog: Catalog) -> ModelArchitecture:
    found = resolve_model(text, catalog)
    return found.architecture or catalog.model(found.name).model
