"""How the sentences of a plan say a latency and a number of things."""


def latency_shown(seconds: float) -> str:
    """Return a latency: '528 ms', '1.24 s'."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def counted(count: float, thing: str) -> str:
    """Return a number of things: '1 minute', '1.5 years', '2,000 minutes'."""
    number = f"{count:,.0f}" if count == int(count) else f"{count:.3g}"
    return f"{number} {thing}{'' if count == 1 else 's'}"
