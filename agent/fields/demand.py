"""The fields of the demand: traffic, lengths of prompts and answers, latency targets."""

from collections.abc import Iterator
from typing import Final

from agent.fields.field import Absent, Field, Flag, Plausible
from agent.fields.readers import (
    read_default_targets,
    read_growth,
    read_hidden_tokens,
    read_length,
    read_milliseconds,
    read_multiple,
    read_not_negative,
    read_positive,
    read_sampling,
    read_text,
    read_years,
)
from agent.fields.value_display import sampling_shown, size_shown
from catalogs.units import (
    read_rate,
    read_share,
    read_tokens,
    read_whole,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)

RATE: Final = "traffic.requests_per_s"
PEAK: Final = "traffic.peak_factor"
CALLS: Final = "traffic.calls_per_request"
LENGTHS: Final = frozenset({"tokens.input.mean", "tokens.output.mean"})
PRESET: Final = "preset"
"""Not a field of the spec: it fills several."""
USERS: Final = "users.count"
HABIT: Final = "users.requests_per_s"
VISITS: Final = "users.period_s"
"""How many users there are, what each asks, in what time so many come. No fields of the spec either: users times their
habit are the rate, said in any order."""
CROWD: Final = frozenset({USERS, HABIT, VISITS})
GIVEN_AS: Final = "load.given_as"
"""Whether the load was given at its peak, of which the mean follows by the usual ratio (``AT_PEAK``), or as mean and
peak (``BOTH``); without it as the mean. No field of the spec: a rate that is said later is meant as the first was."""
AT_PEAK: Final = "peak"
BOTH: Final = "mean and peak"
MEAN_ASKED: Final = "peak, and the mean is asked for"
BESIDE_SPEC: Final = CROWD | {GIVEN_AS}
"""Paths of what was said and is no field of the spec: fields follow from it."""

_PEAK: Final = r"peaks?(?: factor| hour)?"

TRAFFIC: Final = (
    Field(
        "traffic.requests_per_s", "--rps", read_rate, "RATE", "Requests on average: 20 (a second), 600/min, 5M/day.",
        label="rate, mean", show=show_rate, answer="{} on average", slot="traffic", answers=True,
        plausible=Plausible(1e-7, 2e5, "requests/s"),
        missing="a rate (--rps 10; or --concurrency 50; or a fleet, --gpus 8 or --nodes 1)",
    ),
    Field(
        "traffic.concurrency", "--concurrency", read_whole, "N", "Instead: requests in flight, a closed loop.",
        label="requests in flight", answer="{} requests in flight", slot="traffic", answers=True,
        plausible=Plausible(1, 1e6, "requests in flight", whole=True),
    ),
    Field(
        "traffic.peak_factor", "--peak-multiplier", read_multiple, "X", "Busiest hour over the mean; 1.5 by default.",
        label="busiest hour over mean", show=show_figure, unit="×", answer="{} × the mean in the busiest hour",
        slot="peak", answers=True, plausible=Plausible(1, 100, "× the mean at peak"),
        absent=Absent(1.0, "no peak: the same load all day", _PEAK, "no peak"),
    ),
    Field(
        "traffic.burst", "--burst", read_multiple, "X", "Peak minute over the peak hour; 1 by default.",
        label="peak minute over peak hour", show=show_figure, unit="×", answer="peak minute {} × the peak hour",
        slot="peak", plausible=Plausible(1, 100, "× the peak hour"),
        absent=Absent(1.0, "no burst: the same load all hour", _PEAK, "no peak"),
    ),
    Field(
        "traffic.surge_requests_per_s", "--surge", read_rate, "RATE", "The most for some seconds: 20, 1200/min.",
        label="surge of seconds", show=show_rate, answer="surges of {} for seconds", slot="peak",
        plausible=Plausible(1e-7, 2e5, "requests/s in a surge"),
    ),
    Field(
        "traffic.surge_s", "--surge-seconds", read_length, "SECONDS", "How long a surge lasts; 5 by default.",
        label="length of a surge", show=show_seconds, answer="a surge lasts {}", slot="peak",
        plausible=Plausible(0.01, 3600, "seconds of a surge"),
    ),
    Field(
        "traffic.burstiness", "--burstiness", read_positive, "CV", "CV between arrivals; 1 (Poisson) by default.",
        label="burstiness (CV of arrivals)", show=show_figure, answer="burstiness {}", slot="peak",
        plausible=Plausible(0.01, 50, "as CV of arrivals"), of_replica=True,
    ),
    Field(
        "traffic.hourly_profile", label="hourly profile", show=size_shown, unit="values", answer="{} hourly values",
        slot="peak",
    ),
    Field(
        "traffic.growth_per_year", "--growth-rate", read_growth, "PERCENT", "A year: 20 or 20% (0.2 is asked about).",
        label="growth a year", show=show_percent, answer="{} a year", slot="growth", answers=True,
        plausible=Plausible(-0.99, 100, "growth a year"),
        absent=Absent(0.0, "no growth", "growth", "no growth"),
    ),
    Field(
        "traffic.horizon_years", "--horizon", read_years, "TIME", "How far ahead growth counts; 1 year by default.",
        label="horizon", show=show_figure, unit="years", answer="over {} years", slot="growth",
        plausible=Plausible(0.02, 20, "years ahead"),
    ),
    Field(
        "traffic.calls_per_request", "--calls-per-request", read_positive, "X", "Model calls of one user request.",
        label="model calls per request", answer="{} model calls per request", slot="traffic",
        plausible=Plausible(1, 1e4, "calls per request"), quiet=True, of_replica=True,
    ),
    Field(
        PRESET, "--preset", read_text, "NAME", "A kind of traffic, such as chat: fills what is not given.",
        show=str, answer="traffic like {}", of_replica=True,
    ),
)  # fmt: skip

TOKENS: Final = (
    Field(
        "tokens.input.mean", "--input-tokens", read_tokens, "N", "Of a prompt, on average: 500, 1.5k.",
        label="prompt, mean", unit="tokens", answer="{} tokens", slot="prompt", answers=True,
        plausible=Plausible(1, 1e7, "tokens in a prompt"), what_if="prompts of {} tokens",
        missing="the length of a prompt (--input-tokens 1000, or --preset chat)",
    ),
    Field(
        "tokens.output.mean", "--output-tokens", read_tokens, "N", "Of an answer, on average.",
        label="answer, mean", unit="tokens", answer="{} tokens", slot="answer", answers=True,
        plausible=Plausible(1, 1e6, "tokens in an answer"), what_if="answers of {} tokens",
        missing="the length of an answer (--output-tokens 300, or --preset chat)",
    ),
    Field(
        "tokens.input.cv", "--input-cv", read_not_negative, "CV", "Spread of prompts; 0.8 by default, 0 is fixed.",
        label="prompt, CV", show=show_figure, answer="CV {}", slot="prompt",
    ),
    Field(
        "tokens.input.p95", "--input-p95", read_tokens, "N", "Instead of the CV: 95th percentile of prompts.",
        label="prompt, p95", unit="tokens", answer="p95 {}", slot="prompt",
        plausible=Plausible(1, 1e7, "tokens in a prompt"),
    ),
    Field(
        "tokens.input.values", label="prompt, sample", show=size_shown, unit="values", answer="{} values",
        slot="prompt", answers=True,
    ),
    Field(
        "tokens.output.cv", "--output-cv", read_not_negative, "CV", "Spread of answers; 0.8 by default.",
        label="answer, CV", show=show_figure, answer="CV {}", slot="answer",
    ),
    Field(
        "tokens.output.p95", "--output-p95", read_tokens, "N", "Instead of the CV: 95th percentile of answers.",
        label="answer, p95", unit="tokens", answer="p95 {}", slot="answer",
        plausible=Plausible(1, 1e6, "tokens in an answer"),
    ),
    Field(
        "tokens.output.values", label="answer, sample", show=size_shown, unit="values", answer="{} values",
        slot="answer", answers=True,
    ),
    Field(
        "tokens.prefix_hit", "--prefix-hit", read_share, "SHARE", "Of prompt tokens, found in the cache: 50% or 0.5.",
        label="prompt found in the cache", show=show_percent, answer="{} of prompt tokens", slot="prefix", answers=True,
        plausible=Plausible(0, 0.999, "of the prompt"), what_if="{} of prompt tokens cached",
        absent=Absent(0.0, "no prompt token is cached already", r"prefix cach(?:e|ing)", "no prefix cache"),
    ),
    Field(
        "tokens.reasoning_tokens", "--reasoning-tokens", read_hidden_tokens, "N",
        "Hidden tokens of an answer, on average.",
        label="reasoning per answer", unit="tokens", answer="{} thinking tokens", slot="answer",
        plausible=Plausible(0, 1e6, "hidden tokens"), quiet=True,
    ),
    Field(
        "tokens.max_tokens", "--max-tokens", read_tokens, "N",
        "Of an answer, that clients ask for at most; SGLang admits by it.",
        label="answer, at most", unit="tokens", answer="at most {} tokens", slot="answer",
        plausible=Plausible(1, 1e6, "tokens in an answer"), quiet=True,
    ),
    Field(
        "tokens.router_skew", "--router-skew", read_share, "SHARE",
        "How unevenly tokens choose experts: 0 balanced, 100% a power law of 1.2.",
        label="router's skew", show=show_percent, answer="{} of a power law of 1.2", quiet=True,
    ),
    Field(
        "tokens.sampling", "--sampling", read_sampling, "greedy|top_p",
        "How tokens are drawn; greedy by default, as benchmarks are.",
        label="sampling", show=sampling_shown, answer="{} sampling", quiet=True,
    ),
)  # fmt: skip


LEAST_TARGET_S: Final = {"ttft": 0.005, "itl": 0.0005, "e2e": 0.005}
"""Seconds below which a latency is a slip of the unit: a network's hop and one step of a small model take longer."""


def _percentiles() -> Iterator[Flag]:
    """Yield the flags of the targets; each has a path of its own until targets are merged."""
    for percentile in ("p50", "p99"):
        help_text = f"End to end {percentile}, the same as --e2e-{percentile}: 20s; a bare number is in ms."
        yield Flag(f"targets.e2e.{percentile}", f"--target-latency-{percentile}", read_milliseconds, "TIME", help_text)
    latencies = {
        "ttft": "Time to first token, queueing included",
        "itl": "Time between tokens",
        "e2e": "Time to the whole answer",
    }
    for metric, meaning in latencies.items():
        for percentile in ("p50", "p90", "p95", "p99"):
            path, help_text = f"targets.{metric}.{percentile}", f"{meaning}, {percentile} at the busiest hour."
            yield Field(path, f"--{metric}-{percentile}", read_milliseconds, "TIME", help_text, show=show_seconds)


NO_TARGETS: Final = r"(?:latency |ttft |itl )?(?:targets?|slos?|slas?)"
"""What is left out where someone wants none, stated or not."""

TARGETS: Final = (
    Field(
        "targets", label="targets", slot="targets", answers=True,
        absent=Absent((), "", NO_TARGETS, "no targets"),
    ),
    *_percentiles(),
    Field(
        "default_targets", "--default-targets", read_default_targets, "WHICH",
        "Where none is stated: interactive (TTFT p95 2s, more for long prompts, and ITL p95 100ms) or none.",
        label="targets unless stated", show=str, answer="{} targets unless stated", slot="targets", answers=True,
        absent=Absent("none", "no targets, whatever the latency", NO_TARGETS, "no targets"), quiet=True,
    ),
)  # fmt: skip
