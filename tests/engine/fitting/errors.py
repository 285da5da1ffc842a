"""Left-out errors drawn from known laws."""

from collections.abc import Mapping

import numpy as np

from engine.fitting.spread import LeftOutError


def drawn_errors(
    spreads: Mapping[str, float], *, sources: int, models: int, accelerators: int = 3, rows: int = 12, seed: int = 7
) -> list[LeftOutError]:
    """Return ITL errors of dense models: each source measured three models on each of two accelerators.

    Args:
        spreads: of 'source', 'model', 'accelerator' and 'row'.
        sources: of which a half, and at least one, are of those that blocks fit on: constants take up what is theirs,
            until it is left out.
        models: among which they choose.
        accelerators: likewise.
        rows: of one sweep.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    of_source, of_model, of_accelerator = (
        spreads[level] * random.standard_normal(count)
        for level, count in (("source", sources), ("model", models), ("accelerator", accelerators))
    )
    errors = []
    for source in range(sources):
        for model in random.choice(models, min(3, models), replace=False):
            for accelerator in random.choice(accelerators, min(2, accelerators), replace=False):
                for noise in spreads["row"] * random.standard_normal(rows):
                    whole = of_source[source] + of_model[model] + of_accelerator[accelerator] + noise
                    views = {
                        "sweep": noise,
                        "group": noise,
                        "family": of_model[model] + noise,
                        "accelerator": of_accelerator[accelerator] + noise,
                        "source": whole,
                    }
                    logs = views if source * 2 <= sources else {}
                    errors.append(error(f"s{source}", f"m{model}", f"a{accelerator}", logs, whole))
    return errors


def error(source: str, model: str, accelerator: str, logs: dict[str, float], log: float) -> LeftOutError:
    return LeftOutError(
        metric="itl",
        source=source,
        runtime="vllm",
        model=model,
        family=model,
        accelerator=accelerator,
        load="closed_loop",
        model_class="dense",
        foreign=False,
        logs=logs or {"source": log},
    )
