"""Figures of a line after a plan keep their sense: a share, cents, two prices, a discount, a measured latency."""

import re
from typing import Any

import pytest

from agent.after_plan.replies.bills.own_price import discount, prices_of_both, with_cents
from agent.after_plan.wording.mixes import with_means
from agent.dialogue import step
from engine.plan import CapacityPlan
from tests.agent.after_plan.test_acts import planned
from tests.agent.talks import ports, words

BASE: dict[str, Any] = {"tokens.input.mean": 1500, "tokens.output.mean": 300}


def plan_of() -> CapacityPlan:
    plan = planned().base.capacity_plan
    assert plan is not None
    return plan


def said(line: str) -> str:
    return words(step(planned(), line, ports())[1])


@pytest.mark.parametrize(
    ("line", "mean"),
    [
        ("some prompts are 100k, maybe 1 percent", "2485"),
        ("a few prompts are 32k, about 5%", "3025"),
        ("some inputs have 40k tokens (roughly 2 percent)", "2270"),
        ("some prompts reach 20k, 10% of them, on H200", "3350"),
        ("some prompts are 100k, 20% more traffic", ""),
        ("some prompts are 40k, 30% of them cached", ""),
        ("some prompts are 100k, 5 percent growth a year", ""),
        ("prompts are 20k, 30% longer answers", ""),
        ("some users are 100k, 1 percent", ""),
    ],
)
def test_some_that_are_long_with_their_share_behind_make_the_mean_of_all(line: str, mean: str) -> None:
    made, note = with_means(line, BASE)
    assert (f"prompts of {mean} tokens" in made and bool(note)) if mean else (made, note) == (line, "")


@pytest.mark.parametrize("line", ["some prompts are 100k, 1 percent I'd reckon", "prompts are 20k for us, 2% or so"])
def test_a_share_beside_a_length_is_no_factor_on_all_prompts(line: str) -> None:
    assert "prompts ×" not in said(line)


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("2 dollars 10 per gpu hour from coreweave", "2.10 dollars per gpu hour from coreweave"),
        ("two dollars ten per gpu hour", "2.10 dollars per gpu hour"),
        ("2 bucks 50 an hour per gpu", "2.50 bucks an hour per gpu"),
        ("1 dollar and 95 cents per gpu hour", "1.95 dollar per gpu hour"),
        ("with 2 dollars 10 gpus", "with 2 dollars 10 gpus"),
        ("2 dollars 5 per node", "2 dollars 5 per node"),
        ("a budget of 20,000 dollars 16 gpus each", "a budget of 20,000 dollars 16 gpus each"),
        ("20 rps, 30 out per call", "20 rps, 30 out per call"),
    ],
)
def test_cents_behind_dollars_are_of_the_amount_where_they_are_said_so(line: str, plain: str) -> None:
    assert with_cents(line) == plain


@pytest.mark.parametrize(
    ("line", "prices"),
    [
        ("calling an API at $0.60 in / $0.80 out per million", (0.6, 0.8)),
        ("API at $0.60 per million in, $0.80 out", (0.6, 0.8)),
        ("$1 per million input tokens and $3 per million output tokens", (1.0, 3.0)),
        ("input at $0.5, output at $1.5 per million", (0.5, 1.5)),
        ("an API at $0.60 per million tokens", None),
        ("$20k in May and $30k in June", None),
        ("$2 per gpu hour in Frankfurt, $3 in London", None),
    ],
)
def test_an_api_has_a_price_of_prompts_and_one_of_answers(line: str, prices: tuple[float, float] | None) -> None:
    assert prices_of_both(line) == prices


@pytest.mark.parametrize(
    ("line", "share", "rest"),
    [
        ("we got a 38% discount from aws", 0.38, ""),
        ("what if we get 30% off", 0.3, ""),
        ("discount of 15% from aws", 0.15, ""),
        ("a 38% discount and 30 rps", 0.38, "30 rps"),
        ("we have 37% EDP discount with AWS, rerun", 0.37, "rerun"),
        ("we got 27% off from amazon for 1 yr commitment", 0.27, ""),
        ("and with 20% headroom + discount 15% + out 450", 0.15, "with 20% headroom, out 450"),
        ("we pay 70% of the list price", 0.3, ""),
    ],
)
def test_a_discount_that_is_stated_is_of_the_list_price(line: str, share: float, rest: str) -> None:
    found = discount(line)
    assert found is not None
    assert (found.share, found.rest) == (pytest.approx(share), rest)


@pytest.mark.parametrize(
    "line",
    ["20% off peak", "20% off-peak traffic is batch", "reserved for 3 years gives 38% discount", "100% discount",
     "could we get a 40% discount", "we need a 40% discount", "5% discount on support", "is spot 60% off"],
)  # fmt: skip
def test_a_share_of_something_else_or_one_that_is_asked_for_is_no_discount(line: str) -> None:
    assert discount(line) is None


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("use $2.49/gpu hr, no min node size", r"\$2\.49 an hour per GPU, each billed alone"),
        ("we pay 2,15 EUR per GPU per hour", r"2\.15 EUR are \$2\.51"),
        ("2.39/gpu/h from a neocloud, min 8 gpu blocks", r"billed in 8s.*2\.39 is taken as dollars"),
        ("25 rps, 20% off", r"25 requests/s.*20 % off the list"),
        ("nicht 1500 sondern 700 rein, sorry", r"prompts of 700 tokens"),
        ("actually it was 20 per MINUTE, sorry!!", r"0\.333 requests/s"),
        ("80% of prompts share a 400 token system prompt", r"21\.3 % of prompt tokens cached"),
        ("half of the requests are 200 in 20 out", r"200 in and 20 out, the others at"),
        ("6 rps was average. peak's about 3x that for 20 min", r"6 requests/s on average, 3 × the mean"),
        ("what would it do at 90 rps if we don't add anything", r"not hold at 90 requests/s.*plan's own fleet"),
        ("what's our utilization at night when it is like 2 rps", r"At 2 requests/s.*of their saturated rate"),
        ("double traffic in december only, rest of year as is", r"A year, 1 month as this and 11 as plan 0"),
        ("20 rps on 12 H100? I get that on 2", r"÷.*of a replica.*hold the targets"),
        ("same thing but 2 sites, each survives alone", r"2 places of which one may fail"),
        ("the vendor promises 90,000 tok/s per H100, believable?", r"nothing here reaches that"),
        ("$/1M output tokens?", r"a million output tokens.*the whole bill"),
        ("一年总共多少钱?用人民币", r"no exchange rate for CNY.*a year"),
        ("speculative decoding, would it help ITL?", r"Speculative decoding is not reckoned"),
        ("will llama 5 be faster", r"No llama 5 is known here.*The newest of its name"),
        ("did anyone measure this or is it a formula?", r"Formulas:.*Nobody measured your load"),
        ("what's the bottleneck, prefill or decode", r"(Prefill more than decode|Decode more than prefill): a replica"),
        ("why is it so damn expensive", r"in the busiest hour ÷.*take \d+ of them"),
        ("what would autoscaling save", r"It rests on the day's shape"),
        ("and if caching works only half of the time", r"50 % of prompt tokens cached"),
        ("does it fit on one H100? 70B fp8 = 70GB right", r"does not fit.*Yes: 72\.7 GB of weights in FP8"),
        ("ttft 400, and Ireland not frankfurt", r"ireland, TTFT p95 within 400 ms.*'ttft 400' is read as 400 ms"),
        ("itl max 40", r"ITL p95 within 40 ms"),
        ("6 rps was peak. avg is more like 2. same plan?", r"6 / 2 requests/s = peak 3 × the mean"),
        ("int4, should be way cheaper right", r"1: INT4"),
        ("50% sure? of what exactly", r"^In 80 of 100 cases"),
        ("why not just TP1 w/ 4-bit", r"With INT4, tensor parallel 1 it"),
        ("p5.48xlarge is ~55/h in us-east-1, so something is off, no?", r"us-east-1 p5\.48xlarge, \$55\.04 an hour"),
        ("reserved 3yr vs on demand vs buying the boxes, breakeven?", r"Paid back after .* months"),
        ("can it run TP1", r"Not 1 GPU a replica: .* does not fit.*So it is TP1 PP2"),
        ("where does the 750 ms come from", r"Nobody measured your load"),
        ("engineer says ollama is enough for this. true?", r"Ollama serves by llama\.cpp"),
        ("make it 90 % sure", r"90 % sure takes \d+ replicas"),
        ("how'd you get 61 ms ITL? our bench shows 34", r"Measured ITL p95 34 ms.*load it was measured was not said"),
        (
            "I ran it: one tp2 pair, at 3 rps ttft p95 was 610ms",
            r"Measured TTFT p95 610 ms at 3 requests/s on 1 replica",
        ),
        ("relax ttft to 1.2 s p95, does it get cheaper or not", r"1: TTFT p95 within 1\.2 s.*\n\d+ × H100"),
        (
            "say traffic doubles every 6 months, for 2 years",
            r"in 6 months: peak 60 .*in 2 years: peak 480 .*monthly \$",
        ),
        ("I want maximal 48 sequence per replica", "1: batch cap 48"),
        ("thats nonsense, my colleague runs 70b on two 4090", r"not on 2 × GeForce RTX 4090.*In INT4"),
        ("take qwen 72 as the model", r"'qwen 72' may be several models.*qwen2\.5-72b"),
        ("and 900 ms. yaml", r"TTFT p95 within 900 ms"),
        ("give it to me as yaml", "Which YAML.*'export kubernetes'"),
        ("no wait, thirty five", "35 requests/s on average"),
    ],
)
def test_each_part_of_a_price_a_wish_or_a_result_is_in_the_answer(line: str, holds: str) -> None:
    assert re.search(holds, said(line), re.DOTALL)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("what's the ITL", ("time between two tokens", "ITL p95 is")),
        ("what is the ITL of the plan", ("ITL p95 is",)),
        ("can you guarantee the TTFT of 800 ms", ("A forecast guarantees nothing", "TTFT p95 is")),
        ("my colleague gets 2 gpus for the same thing, who's right", ("serve", "requests/s")),
        ("does aws guarantee the uptime", ("between you and the vendor",)),
        ("we measured 3.9 req/s per replica at ttft p95 790", ("Measured TTFT p95 790 ms at 3.9 requests/s",)),
    ],
)
def test_a_question_is_answered_by_what_it_names(line: str, shown: tuple[str, ...]) -> None:
    answer = said(line)
    assert all(part in answer for part in shown)


def test_a_split_that_is_taken_for_the_plans_is_corrected() -> None:
    own = plan_of().chosen.tensor_parallel
    assert f"The plan is TP{own}, not TP{2 * own}" in said(f"why TP{2 * own} and not TP{own}?")
    assert "The plan is TP" not in said(f"why TP{own} and not TP{2 * own}?")


def test_what_a_word_means_gives_no_value() -> None:
    assert "ITL p95 is" not in said("what does ITL mean")
