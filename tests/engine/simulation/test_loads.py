"""Loads drawn at random, and read from traces."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from catalogs.errors import InputError
from engine.random_streams import stream
from engine.simulation import Requests, open_loop, queued, simulate
from engine.simulation.arrivals import draw_lengths
from engine.simulation.requests import CHUNK
from engine.simulation.traces import read_trace
from engine.workload import TokenDistribution
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT, CHAT_SCHEDULER, WORKED_CASE


def arrivals(rate: float, count: int, **options: object) -> np.ndarray:
    parts = open_loop(rate, count, CHAT_INPUT, CHAT_OUTPUT, seed=1, **options)  # type: ignore[arg-type]
    return np.concatenate([part.arrival_s for part in parts])


@pytest.mark.parametrize("cv", [0.5, 1.0, 2.5])
def test_arrivals_have_the_rate_and_burstiness_asked_for(cv: float) -> None:
    gaps = np.diff(arrivals(8.0, 200_000, burstiness=cv))
    assert gaps.mean() == pytest.approx(1 / 8, rel=0.02)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.02)


def test_a_profile_shapes_the_hours() -> None:
    """Requests fall into hours as the profile says, a quiet hour stays empty, and the day repeats."""
    profile = [0.5, 2.0, 0.0, 1.5]
    times = arrivals(20.0, 288_000 * 2, hourly_profile=profile)
    hours = np.bincount((times / 3600).astype(int) % 4, minlength=4)
    assert hours / hours.sum() == pytest.approx(np.array(profile) / 4, abs=0.005)
    assert times[-1] == pytest.approx(8 * 3600, rel=0.01)
    assert (np.diff(times) >= 0).all()


def test_a_load_without_requests_is_refused() -> None:
    with pytest.raises(InputError, match="0 requests/s"):
        next(open_loop(0.0, 5, CHAT_INPUT, CHAT_OUTPUT, seed=1))
    with pytest.raises(InputError, match="all zero"):
        next(open_loop(1.0, 5, CHAT_INPUT, CHAT_OUTPUT, seed=1, hourly_profile=[0.0] * 24))


@pytest.mark.parametrize("cv", [0.3, 0.8, 2.0])
def test_lognormal_lengths_have_their_mean_and_spread(cv: float) -> None:
    drawn = draw_lengths(TokenDistribution(mean=1000, cv=cv), 400_000, stream(1, 1))
    assert drawn.mean() == pytest.approx(1000, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(cv, rel=0.05)
    assert drawn.min() >= 1


def test_clipped_lengths_keep_their_mean() -> None:
    drawn = draw_lengths(TokenDistribution(mean=1000, cv=1.5), 400_000, stream(1, 1), 4_000)
    assert drawn.max() == 4_000
    assert drawn.mean() == pytest.approx(1000, rel=0.02)


def test_lengths_may_be_fixed_or_empirical() -> None:
    assert set(draw_lengths(TokenDistribution(mean=77, cv=0), 50, stream(1, 1)).tolist()) == {77}
    sample = TokenDistribution(mean=20, values=(10.0, 30.0))
    assert set(draw_lengths(sample, 50, stream(1, 1)).tolist()) == {10, 30}


def test_a_higher_rate_has_the_same_requests_closer_together() -> None:
    """Common random numbers: what makes two loads comparable request by request."""
    slow, fast = (next(open_loop(rate, 500, CHAT_INPUT, CHAT_OUTPUT, seed=9)) for rate in (2.0, 4.0))
    assert (slow.input_tokens == fast.input_tokens).all() and (slow.output_tokens == fast.output_tokens).all()
    assert slow.arrival_s == pytest.approx(2 * fast.arrival_s)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    def run(seed: int) -> bytes:
        load = open_loop(8.0, 500, CHAT_INPUT, CHAT_OUTPUT, seed=seed)
        result = simulate(WORKED_CASE, CHAT_SCHEDULER, load, replicas=3, routing="power_of_two", seed=seed)
        assert result.requests is not None
        return result.requests.e2e_s.tobytes()

    assert run(1) == run(1) != run(2)


def test_a_queue_is_there_at_the_start() -> None:
    load = queued(50, CHAT_INPUT, CHAT_OUTPUT, seed=1)
    assert not load.arrival_s.any() and len(load) == 50


# --- traces -----------------------------------------------------------------------------------------------------------

# The first lines of the Azure LLM inference trace 2023 (code), CC-BY-4.0, Patel et al., Splitwise, ISCA 2024.
AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:04.0781490,110,27
"""
# The form of BurstGPT's files; the second request failed.
BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
118,GPT-4,417,276,693,API log
"""
# The first requests of the Mooncake conversation trace (hash ids shortened), Apache-2.0, Qin et al., FAST 2025.
MOONCAKE = """{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}
{"timestamp": 3000, "input_length": 7322, "output_length": 490, "hash_ids": [0, 14]}
"""
OWN = """arrival_s,input_tokens,output_tokens,cached_tokens
10.5,100,20,64
11,200,0,0
"""


def read(text: str, **options: object) -> Requests:
    (only,) = read_trace(text.splitlines(), "trace", **options)  # type: ignore[arg-type]
    return only


@pytest.mark.parametrize(
    ("text", "times", "inputs", "outputs"),
    [
        (AZURE, [0, 0.052, 0.098189], [4808, 3180, 110], [10, 8, 27]),
        (BURSTGPT, [0, 113], [472, 417], [18, 276]),
        (MOONCAKE, [0, 3], [6758, 7322], [500, 490]),
        (OWN, [0, 0.5], [100, 200], [20, 1]),
        ("timestamp_ms,input_length,output_length\n5,7,9\n1005,8,1\n", [0, 1], [7, 8], [9, 1]),
        ("timestamp,input_length,output_length\n0.5,7,9\n31.25,8,1\n", [0, 30.75], [7, 8], [9, 1]),
    ],
    ids=["azure", "burstgpt", "mooncake", "own", "lengths", "bare"],
)
def test_traces_are_read(text: str, times: list[float], inputs: list[int], outputs: list[int]) -> None:
    load = read(text)
    assert load.arrival_s == pytest.approx(times, abs=1e-6)
    assert load.input_tokens.tolist() == inputs and load.output_tokens.tolist() == outputs


def test_what_else_a_trace_knows_is_kept() -> None:
    assert read(OWN).cached_tokens.tolist() == [64, 0]
    assert read(MOONCAKE).prefix.tolist() == [0, 0]
    together = read("arrival_s,input_tokens,output_tokens,prefix,shared_tokens\n0,900,20,7,512\n1,800,2,7,512\n")
    assert together.prefix.tolist() == [7, 7] and together.shared_tokens.tolist() == [512, 512]
    assert read(AZURE, speed_up=10).arrival_s[-1] == pytest.approx(0.0098189, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "trace is empty; a header such as arrival_s"),
        ("arrival_s,input_tokens,output_tokens\n", "holds no request"),
        ("a,b,c\n1,2,3\n", "line 1: 'a,b,c' is no header"),
        ("arrival_s,input_tokens\n1,2\n", "line 1: the column output_tokens is missing"),
        ("arrival_s,input_tokens,output_tokens,shared_tokens\n", "line 1: shared_tokens needs the column prefix"),
        ("arrival_s,input_tokens,output_tokens\n1,2,3\n2,-4,3\n", "line 3: input_tokens is -4; a number of tokens"),
        (f"arrival_s,input_tokens,output_tokens\n1,2,{10**19}\n", "line 2: output_tokens is 1000"),
        (
            MOONCAKE + f'{{"timestamp": {10**400}, "input_length": 1, "output_length": 2}}\n',
            "line 3: timestamp is 1000",
        ),
        (
            "arrival_s,input_tokens,output_tokens\n1,2,3\n0.5,4,3\n",
            "line 3: the request comes 0.5 s before the one above",
        ),
        ("arrival_s,input_tokens,output_tokens\n1,2,x\n", "line 2: output_tokens is 'x'; a whole number"),
        ("arrival_s,input_tokens,output_tokens\nnan,2,3\n", "line 2: the time is 'nan'; a number"),
        ("arrival_s,input_tokens,output_tokens\n1,2\n", "line 2: 2 values; 3 were expected"),
        (AZURE + "yesterday,1,2\n", "line 5: the time is 'yesterday'; a date such as"),
        (MOONCAKE + "{oops\n", "line 3: '{oops' is not a request"),
        (MOONCAKE + '{"timestamp": 4000, "input_length": -1, "output_length": 2}\n', "line 3: input_length is -1"),
    ],
)
def test_a_malformed_trace_names_the_line_and_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(read_trace(text.splitlines(), "trace"))
    assert said in str(caught.value)


def test_a_million_lines_are_read_only_as_they_are_needed() -> None:
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        yield "arrival_s,input_tokens,output_tokens"
        for number in range(10_000_000):
            taken += 1
            yield f"{number},100,20"

    first = next(read_trace(lines(), "trace"))
    assert len(first) == CHUNK and taken <= CHUNK + 1


def test_one_bad_line_among_many_is_named() -> None:
    def lines() -> Iterator[str]:
        yield "arrival_s,input_tokens,output_tokens"
        for number in range(200_000):
            yield f"{number},100,{'?' if number == 150_000 else 20}"

    with pytest.raises(InputError, match="line 150002: output_tokens is '\\?'"):
        list(islice(read_trace(lines(), "trace"), 100))
