"""Questions about what a plan costs at its ends, what it rests on and what is billed beyond what runs."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.after_plan.answers import answer_act
from agent.after_plan.replies.asked import Asked
from agent.after_plan.replies.billed import billed
from agent.after_plan.replies.bills.ends import bill_range
from agent.after_plan.replies.bills.own_price import own_price
from agent.after_plan.replies.figures.machines import instance
from agent.after_plan.replies.load import limit, outgrow
from agent.after_plan.replies.running.idle_accelerators import idle_accelerators
from agent.dialogue import step
from agent.report.blocks import Report
from agent.report.rendering.plain import plain_text
from agent.talk.prompt_languages import languages_in, prompt_languages
from agent.talk.state import State
from catalogs.units import show_usd
from engine.fleet.offers import replicas_bill_usd
from engine.plan import CapacityPlan
from tests.agent.talks import ports, words

OPENING = (
    "llama 3.1 70b fp8 on H100, 20 rps at peak, 1.5k in, 300 out, p95 TTFT 800ms, on aws in eu-central-1, on demand"
)


def _kept(*lines: str) -> State:
    state = State()
    for line in lines:
        state, _ = step(state, line, ports())
    while state.phase != "planned":
        state, _ = step(state, "1" if state.pending else "", ports())
    return state


@pytest.fixture(scope="module")
def kept() -> State:
    return _kept(OPENING)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("price of one GPU-hour", r"\$8\.94 an hour.*aws.*checked 2026.*sold in eights: 16 GPUs are billed and 12 run"),
        ("what does an instance cost an hour", r"p5\.48xlarge.*\$71\.55"),
        ("Preis einer GPU-Stunde", r"\$8\.94"),
        ("what is the worst case bill", r"Worst \$[\d,]+, best \$[\d,]+ a month"),
        ("coste en el peor caso", r"Worst \$[\d,]+"),
        (
            "what are the weak points of this plan",
            r"gives way first.*of 100 such plans.*no price is known in Frankfurt",
        ),
        ("quels sont les points faibles", "What could undo this plan"),
        ("この計画のリスクは", "What could undo this plan"),
        ("is the arrival process poisson", r"Poisson arrivals are assumed.*a CV of 2"),
        ("what happens if 20 users hit enter at the same second", r"each of 6 replicas has 4, 6,000 prompt tokens"),
        ("what if users write in German", r"German takes 1\.59 times.*2,400 and 480: \d+ GPUs in place of 12"),
        ("half of our prompts are in French", r"in 50 % of the requests"),
        ("what quota do I need", "quota of 16 GPUs .2 × p5.48xlarge., in whole instances, of which 12 run"),
        ("why are 16 billed and 12 used", r"the other 4 take \$26,\d+ of the bill.*8 replicas on 16"),
        ("a HGX H100 box is 280k", r"Paid back after 5\.\d+ months: \$560,000 once.*once \$560,000"),
        ("ein Server kostet uns 290.000 Dollar, lohnt sich Kaufen?", r"At your \$290,000 for a machine of 8"),
        ("buy or rent at 35k per H100?", r"At your \$35,000 for one H100.*\$756,000 once"),
        ("spot?", r"taken away about 0\.2 times a month"),
        ("how does 104,466 come about", r"6 replicas × 2 = 12 GPUs, in 2 × 8 = 16 GPUs billed.*checked 2026"),
        ("kv cache per request in GB", r"1,500 \+ 300 tokens takes 0\.59 GB.*kept in BF16"),
    ],
)
def test_a_subject_has_an_answer(line: str, holds: str, kept: State) -> None:
    new, says = step(kept, line, ports())
    assert re.search(holds, words(says), re.DOTALL), words(says)
    assert len(new.branches) == 1 and new.pending is None


@pytest.mark.parametrize(
    ("act", "line", "holds"),
    [
        ("hours", "only weekends from 10 to 20", r"2 days × 10 h a week"),
        ("hours", "switch it off on weekends", r"5 days × 24 h a week"),
        (
            "runs_on",
            "gaming pc with a 4080 16 gb, possible?",
            r"not on 1 × GeForce RTX 4080.*43\.\d GiB per accelerator",
        ),
        ("scope_batch", "5M prompts in a queue tonight, when is it drained", r"^5,000,000 requests.*done in 8 hours"),
        ("scope_batch", "200,000 invoices by six in the morning", r"^200,000 requests.*done in 8 hours"),
        ("cost", "41k a month is fine, but finance wants the annual number", r"a year, today's fleet"),
        ("cost", "price of a million output tokens, before they set the customer fee", r"^\S+ a million output tokens"),
        ("cost", "we charge 2 cents a chat, is one chat under that", r"2 cents for one would be \d"),
        ("failure", "5 of 6 replicas alive: is p95 still under 800?", r"takes 1 of 6 replicas"),
        ("failure", "a power trip in the rack kills two nodes", r"Losing 2 nodes takes 6 of 6"),
        ("idle", "launch slips by two months and it just sits there", r"for 2 months"),
        ("context", "someone pastes a 60-page contract, does that fit", r"^Yes: 39,000 tokens"),
        ("context", "a user sends 40,000 tokens in one go", r"^Yes: 40,000 tokens"),
        ("memory", "how many gigabytes do the weights eat on each card", r"weights take 33\.8 of 79\.6 GiB"),
        ("storage", "the pvc has 100Gi, does it fit", r"^100Gi are enough for one version alone"),
        ("power", "the colo gives us 7 kW a rack", r"^7 kW is no more than the 8\.4 kW"),
        (
            "users_of_load",
            "we have 12k employees, is the load near that",
            r"12,000 users .* are 4 requests an hour from",
        ),
        ("at_load", "28 rps with this same 12 cards, what happens", r"not hold at 28 requests/s at the peak, with"),
        ("at_load", "we're at 24 then, does the setup cope", r"not hold at 24 requests/s"),
        ("token_volume", "how many tokens do we make in a month", r"^A month: 52,560,000,000 prompt"),
        ("own_or_rent", "two boxes for 280k each against the 41k, over 4 yrs", r"\$560,000 once.*Over 4 years"),
        ("elsewhere", "would lambda be less", r"provider:\nlambda: [^\n]*\n\n"),
        ("who_said", "who put fp8 in there", r"^Said by you: precision"),
        ("smalltalk", "ouch, that's a lot of money", r"make it cheaper"),
        ("reference", "which plan are we looking at", r"one plan.*12 × H100"),
        ("hours", "dead between 22 and 06, nobody there", r"without 22 and 06: 7 days × 16 h"),
        ("outgrow", "15% growth a quarter, when is it full", r"^At 15 % a quarter \(74\.9 % a year\)"),
        ("spike", "triple for 5 minutes", r"After 5 minutes [\d,]+ requests wait; .* gone \S+ min later"),
        ("cheaper_how", "how do I get below 60k", r"\$60,000 a month \(43% less\): "),
        ("faster_how", "make it faster but don't spend more", r"^For no more than \$104,466 a month: .*TP4"),
        ("sensitivity", "does the output length weigh more than the input length", r"^Prompt length moves it more"),
        ("fewest", "how few 24gb cards hold it", r"^Fewest that hold it, whatever the traffic: 4 × L4"),
        ("scope_training", "LoRA on our 50k tickets", r"^50000 tickets of the plan's lengths are 90,000,000 tokens"),
        ("pool", "may a second team share it", r"^Of the same model and lengths the fleet takes \S+ requests/s more"),
        ("interconnect", "would PCIe do", r"On H100 PCIe 80GB, whose memory is slower too"),
        ("runs_on", "you're wrong, the H100 has 94 GB", r"Of that name there are: .*H100 NVL 94GB"),
        ("why", "they ask why it takes twelve and not eight, and I do not know", r"4, 2 fewer: GPUs 8,.*overloaded"),
        ("why", "what is the justification for H100", r"Beside it:.*On B200 it would be"),
        ("more_or_fewer", "what if we let one replica go", r"^5 replicas instead of 6"),
        ("more_or_fewer", "and if I give two GPUs up", r"^5 replicas instead of 6"),
        (
            "latency",
            "median time until the answer is complete",
            r"^E2E p50 is \S+ s, in the busiest hour(?!.*long answers)",
        ),
        ("outgrow", "when is it full if we add 6% a month", r"^At 6 % a month \(101 % a year\).*ln 1\.06 months"),
        ("outgrow", "our MoM is 12%, when do we hit the wall", r"^At 12 % a month"),
        ("outgrow", "we double every 7 months, until when", r"^At 10\.4 % a month, 2 × every 7 months"),
        ("outgrow", "traffic drops 5% a week, when is it full", "falls by 5 % a week"),
        ("outgrow", "what do we need in 4 years", "GPUs in 4 years"),
        ("faster_how", "what would it take to hit 500 ms p99", r"For TTFT p99 500 ms.*TTFT p99 1\.\d+ s, ITL p99"),
        ("faster_how", "get the mean ttft under 250 ms", r"For TTFT mean 250 ms.*TTFT mean 3\d\d ms"),
        ("faster_how", "the whole answer in 20 s at p90, how", r"For E2E p90 20 s.*E2E p90"),
        (
            "latency",
            "what does the first token latency consist of",
            r"^TTFT is .* are the prefill.* the other \d+ ms the wait",
        ),
        ("latency", "is an answer complete in 20 s", r"At most 50 of 100 wait longer than 20 s for the whole answer"),
        ("meets", "650 ms, green or red", r"^No: TTFT p95 is 744 ms .* beyond 650 ms"),
        ("floor", "can it ever be under 650 ms", r"^650 ms: yes\. "),
        ("who_said", "did I say 2200 tokens in", r"^2200 tokens is nothing that the plan rests on.*1,500"),
        ("included", "do you include the network?", r"^A latency is taken at the server"),
        ("limit", "is KV cache a bottleneck?", r"^No: the KV cache is 37\.4 % full"),
        ("unknown_terms", "can I trust this for a signed SLA", r"^In 80 of 100 cases.*between you and the vendor"),
        ("elsewhere", "who offers B200 cheaper", r"^5 × B200 SXM a month.*The plan's own bill is \$104,466"),
        ("budget_buys", "i can only spend 2,000 dollars a day", r"^\$2,000 a day are \$60,833 a month"),
        (
            "at_load",
            "12 rps at 3000 tokens, still ok?",
            r"not hold at 12 requests/s at the peak, prompts of 3,000 tokens",
        ),
        ("failure", "p99 when one replica is lost", r"p95 alone is known here, and not the p99"),
        ("autoscaler", "how many replicas at 4 am with 3 rps", r"^At night 3 requests/s take 1 replica"),
    ],
)
def test_a_reply_is_to_the_values_of_its_line(act: str, line: str, holds: str, kept: State) -> None:
    _, says = answer_act(kept, act, line, ports())
    assert re.search(holds, words(says), re.DOTALL), words(says)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        (
            "gpus? monthly cost? does p99 stay under 2s? what if b200",
            r"\$104,466 a month.*Yes: TTFT p99.*on b200-sxm",
        ),
        (
            "ITL target of 25 ms and tell me if that changes anything, and forget the TTFT",
            r"no TTFT target, ITL p95 within 25",
        ),
        ("and with redundancy?", r"1 spare replica \(against"),
        ("Et si on passait à un tarif réservé pour 3 ans ?", r"reserved for 3 years \(against"),
        ("1年予約にするといくら？", r"reserved for 1 year \(against"),
        ("so what is the final count and price", r"6 replicas of TP2.*\$104,466"),
        ("our price is $98.32/h for p5.48xlarge", r"billed: plan 0 16, plan 1 16.*\$143,547"),
        ("colo quotes $14,000 per month per box", r"\$28,000"),
        ("we negotiated $3.20 per gpu hour", r"\$37,376"),
        ("3 replicas", r"Too few: 3 replicas of TP2, 6 ×.*10\.\d requests/s.*3 larger ones would do, of TP8"),
        ("3 replicas of TP4", r"Too few: 3 replicas of TP4, 12 ×"),
        ("8 replicas", r"8 of TP2.*The bill is the same: whole instances bill 16 GPUs"),
        ("int4", r"a replica reads [\d,]+ prompt tokens/s and no longer.*widened to BF16.*The bill is the same"),
        ("4 x TP4 vs 8 x TP2", r"6 × TP2.*4 × TP4.*8 × TP2"),
        ("SGLang or TensorRT-LLM instead?", r"the first plan.*runtime sglang.*runtime tensorrt-llm"),
    ],
)
def test_a_variant_says_what_surprises_and_keeps_what_was_counted(line: str, holds: str, kept: State) -> None:
    _, says = step(kept, line, ports())
    assert re.search(holds, words(says), re.DOTALL), words(says)


@pytest.mark.parametrize(
    "line",
    ["a newsletter to 400k people, will the machines hold",
     "the budget is 280k for boxes", "$3 per million tokens", "we have $20k for nodes", "support is $3k a month a node",
     "I see $98.32/h per node, why", "2 boxes", "50 users per GPU", "at most $40k a month in all"],
)  # fmt: skip
def test_an_amount_that_prices_no_machine_is_no_price(line: str, kept: State) -> None:
    plan = kept.base.capacity_plan
    assert plan is not None and own_price(line, plan, 8) is None


@settings(max_examples=12, deadline=None)
@given(rate=st.integers(2, 90), prompt=st.sampled_from([500, 1500]), split=st.sampled_from([1, 2, 4]))
def test_billed_and_used_are_told_apart_wherever_they_differ(rate: int, prompt: int, split: int, kept: State) -> None:
    """Money, room and quota go by what is billed, and say so; a bill at either end is of whole instances."""
    values = {
        "traffic.requests_per_s": rate, "tokens.input.mean": prompt, "serving.tensor_parallel": split,
        "precision.weights": "int4",
    }  # fmt: skip
    base = kept.base.capacity_plan
    assert base is not None
    plan = Asked("", kept, ports(), base).sketch(values)
    if not isinstance(plan, CapacityPlan) or not plan.answer.meets_targets:
        return
    asked = Asked("what quota do we need", kept, ports(), plan)
    assert f"{plan.fleet.billed_accelerators} " in plain_text(Report(instance(asked)))
    texts = [plain_text(Report(reply(asked))) for reply in (limit, outgrow, idle_accelerators)]
    if room := billed(plan):
        usd = replicas_bill_usd(plan.chosen, room.replicas)
        assert usd == pytest.approx(plan.cost.monthly_usd)
        assert all(f"{room.replicas} replicas on {room.accelerators}" in text for text in texts)
    if plan.bands and plan.cost.monthly_usd is not None:
        worst, best = re.findall(r"\$([\d,]+)", plain_text(Report(bill_range(asked))))[:2]
        assert float(best.replace(",", "")) <= plan.cost.monthly_usd + 1 <= float(worst.replace(",", "")) + 2
        assert show_usd(plan.cost.monthly_usd)


def test_a_language_is_told_from_a_word_that_holds_it() -> None:
    """Germane is no German; each language has a factor for each tokenizer, between English's and that of bytes."""
    assert [one.name for one in languages_in("is it Germane or polished")] == []
    assert [one.name for one in languages_in("en alemán y francés")] == ["French", "German"]
    names = {one.id for one in prompt_languages().tokenizer}
    for language in prompt_languages().language:
        assert language.times.keys() == names and all(0.9 <= times <= 16 for times in language.times.values())
    tokenizer = prompt_languages().tokenizer_of("deepseek-r1-distill-llama-70b")
    assert tokenizer is not None and tokenizer.id == "llama-3"
