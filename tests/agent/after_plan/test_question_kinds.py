"""Kinds of question about a plan, each in ten ways: nine of them at least are answered as what they are."""

import re
from typing import Final

import pytest

from agent.dialogue import step
from tests.agent.after_plan.test_acts import answer, planned
from tests.agent.talks import ports

KINDS: Final = {
    "what the price holds": (
        r"as listed",
        """is egress in that price
        does the bill cover support and storage
        netto or brutto, is VAT in there
        are the CPUs and the network part of what we pay
        which costs did you leave out
        Is tax included?
        what's not in the monthly figure
        sind Strom und Netzwerk im Preis enthalten
        does that number contain the load balancer and the disks
        any hidden costs on top of that?""",
    ),
    "a switch that is not planned": (
        r"was not measured",
        """what if chunked prefill is off
        without chunked prefill
        what if we disable cuda graphs
        what if enforce-eager
        suppose async scheduling is disabled""",
    ),
    "what one replica does at most": (
        r"1 replica of TP2 serves|A replica of it: ",
        """max throughput of one replica
        what is the most a single replica can do?
        capacity of one replica in rps
        maximum tokens per second of a replica
        peak throughput per replica
        one replica: max load?
        single replica throughput
        how much can one replica carry at most
        max rps of one replica
        what's the throughput ceiling of a single replica""",
    ),
    "what to watch": (
        r"num_requests_waiting",
        """which graphs do we put on the wall for this
        what should we alert on
        what do I monitor in production
        Grafana panels worth having?
        what do I watch to know it is about to break
        which prometheus metrics matter
        when should on-call be paged
        welche Metriken soll ich überwachen
        SLIs and alert thresholds for this, please
        what belongs on the dashboard""",
    ),
    "something to be done": (
        r"[Nn]othing is ordered",
        """book the servers please
        can you deploy that to our cluster
        please buy 24 of these for us
        spin it up for me
        call aws and reserve the capacity
        could you run the benchmark yourself
        set up the autoscaler on our cluster for me
        open a ticket for the quota increase
        kannst du die Server bestellen
        place the order""",
    ),
    "more than it can take": (
        r"without a 429|computed anew|tokens are read in about",
        """do callers get an error when it is full or do they wait
        who sends the 429 here
        are requests over the limit refused
        is there a limit on how many may wait
        should the gateway reject before the engine queues
        how likely is preemption at noon
        kv cache evictions, will that happen
        what happens to the others when one prompt has 80k tokens?
        does vllm shed load by itself
        werden zu viele Anfragen abgewiesen""",
    ),
    "another load on the same fleet": (
        r"the plan's own fleet",
        """what happens at 27 rps with these machines
        does the plan still hold if answers get 500 tokens
        how bad does ttft get at 33 requests per second
        would this same fleet cope with prompts of 2000 tokens
        at 25, 30 and 45 rps, what are the latencies
        is it still ok if the answers are 450 tokens long
        if traffic is 20% higher, do we still meet the target with this fleet
        what ttft would we see at half the load
        hält das auch noch bei 30 Anfragen pro Sekunde
        do the targets survive 1.3 times the traffic on the same gpus""",
    ),
    "replicas more or fewer": (
        r"replicas? instead of",
        """what would three more replicas bring us
        how much does one extra replica help
        and with two fewer replicas?
        if we took one replica away, would it still meet the target
        4 more GPUs: what do we gain
        what does an additional replica cost and give
        is there a benefit in adding 2 replicas
        what if procurement gives us 4 GPUs less
        with one replica less, what breaks
        how far would two additional replicas take us""",
    ),
    "users that the load stands for": (
        r"÷ [\d.,]+ .*= [\d,]+ users",
        """how many people is 20 rps if each asks twice an hour
        20 rps is how many users at 5 questions an hour each
        if a user sends one message every 2 minutes, how many users can that be
        translate the load into users, 10 questions a day each
        how many users does that load stand for with 3 requests an hour each
        what headcount is behind 20 requests a second, at 30 questions per day
        how many active users is that when everybody asks something every 5 minutes
        so how many colleagues could use it, 8 questions per hour each
        wie viele Nutzer sind das bei 4 Anfragen pro Stunde
        convert 20 rps to users, 1 request per minute each""",
    ),
    "the fewest that hold it": (
        r"[Ff]ewest",
        """fewest GPUs the weights fit on
        what is the absolute minimum of cards to load it at all
        ignoring traffic, how many H100 does the model need
        smallest box that runs this model
        how few cards could hold it
        minimum number of gpus just to start the model
        least hardware that can serve a single request
        what's the smallest setup that would even boot this model
        forget the load, what is the least it runs on
        wie viele Karten braucht man mindestens, um es zu laden""",
    ),
    "who said so": (
        r"[Ss]aid by you|[Nn]obody said|[Nn]ot stated",
        """who said 300 tokens out
        I never mentioned fp8
        did I ask for spares?
        where did you get the 20 rps from
        why do you think prompts are 1500 tokens
        I didn't ask for H100
        where does the peak factor of 1.5 come from
        that's not what I said about the ttft
        I did not say 800 ms
        who told you to take llama""",
    ),
    "one of which there is none": (
        r"[Ww]hich one",
        """the other one
        and the second?
        what about that one
        same for the other
        the latter
        and the first option?
        how about the other cloud
        and in the other region
        no, the one before that
        the third option then""",
    ),
    "a bill that shocks": (
        r"\$\d[\d,]+ a month",
        """that is insane money
        ouch, that's more than my salary
        are you kidding, that much?
        wow expensive
        you must be joking with that price
        we can't possibly pay that
        for that I could hire ten people
        that's robbery
        das ist ja unbezahlbar
        holy cow that bill""",
    ),
    "let it be": (
        r"[Nn]othing (?:is |was )?changed",
        """leave it as it is
        forget what I said
        ignore that, wrong chat
        lass es so
        all good, keep it like that
        oops wrong window
        don't change anything
        laisse tomber
        ignore my last message, it was meant for somebody else
        no wait, leave everything as is""",
    ),
    "whether they can be had": (
        r"I cannot say",
        """is aws able to give us those
        does azure have these in stock
        can I actually get 24 H100 right now
        will they even let me rent that many
        are those cards available at the moment
        is there any capacity left at the provider
        do they have that many free in the region
        can a normal customer get this many H100
        gibt es die gerade überhaupt zu mieten
        how realistic is it to obtain so many gpus""",
    ),
    "cards of one replica": (
        r"Spread over|would be|it would",
        """why four cards for one replica
        why does each replica need 4 GPUs
        couldn't a replica be a single card
        why so many cards per copy of the model
        the weights are 70 GB, so why not one 80 GB card
        why is a replica spread over several gpus
        why more than one card in each replica
        why must it be 4 cards together
        why do you split the model over four GPUs
        what are the four cards of a replica needed for""",
    ),
    "why a percentile": (
        r"of 100",
        """why p95 rather than the mean
        why not size for the average
        why do you look at p95
        what's wrong with the mean latency
        why the 95th percentile
        why not p50
        why p95 and not p99
        isn't the average enough instead of p95
        why do you plan by the tail
        warum p95 und nicht der Durchschnitt""",
    ),
    "a model by its name": (
        r"(?i)qwen|gpt-oss|mistral|llama 3\.3",
        """would qwen2.5 72b need other hardware
        does gpt-oss 120b fit on the same cards
        is qwen2.5 72b more expensive to run
        how would llama 3.3 70b do on this
        does llama 3.3 70b change the sizing
        how many gpus would gpt-oss 120b take
        what about qwen2.5 72b instead
        would we save money with gpt-oss 120b
        is llama 3.3 70b any slower
        could we run qwen2.5 32b on half of that""",
    ),
    "money for a month, without its sign": (
        r"\$30,000",
        """make it work for 30k a month
        it has to fit 30k a month
        get it down to 30k per month
        we can only spend 30k a month
        squeeze it under 30k monthly
        30k a month is all we have
        it must not cost more than 30k a month
        bring it below 30k/month
        cap it at 30k a month
        our limit is 30k per month""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_question_is_answered_however_it_is_put(kind: str) -> None:
    holds, lines = KINDS[kind]
    missed = [
        line.strip()
        for line in lines.splitlines()
        if "Did you mean" in (told := answer(line.strip())) or not re.search(holds, told)
    ]
    assert len(missed) <= 1, missed


CHANGES: Final = {
    "targets": (
        2.0,
        """what if people can wait 2 seconds
        users may wait 2 seconds for the first word
        how much cheaper if people can wait 2 s instead
        if they are willing to wait 2 seconds
        would it be cheaper if they waited 2 seconds
        people could wait for up to 2 seconds
        what if nobody minds waiting 2 seconds
        suppose our users accept a wait of 2 seconds
        if the customers tolerate waiting 2 s
        readers can wait 2 seconds to begin with""",
    ),
    "tokens.input.mean": (
        4000,
        """1,500 -> 4,000 input
        1.5k → 4k in, same targets
        prompts 1500 -> 4000
        input: 1,500 → 4,000
        input from 1,500 to 4,000 tokens
        1500 => 4000 prompt tokens
        prompt length 1,500 → 4,000, all else the same
        1,500 → 4,000 tokens in
        what if input goes 1500 → 4000
        change input 1,500 → 4,000""",
    ),
    "traffic.requests_per_s": (
        26.0,
        """please include a 30% safety buffer
        add a 30 % buffer
        with a 30% safety margin on the load
        give me 30% headroom
        plan with 30 percent reserve capacity
        keep 30% of headroom on top
        put a 30% cushion on top
        I want a safety buffer of 30%
        leave 30% margin for surprises
        size it with a 30% contingency""",
    ),
    "tokens.output.mean": (
        485,
        """our reasoning mode makes 4,000 for about 5% of the calls
        5% of the answers are 4,000 tokens long
        4,000 tokens out in 5% of requests
        for 5 % of the calls the answer has 4000 tokens
        5 percent of replies take 4,000 tokens
        one thing: 5% of calls produce 4,000 tokens
        answers of 4,000 tokens for 5% of the requests
        4k tokens of answer in about 5% of cases
        about 5 % of responses are 4k tokens
        in 5% of the requests 4,000 tokens come out""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", CHANGES)
def test_a_kind_of_change_is_read_however_it_is_put(path: str) -> None:
    wanted, lines = CHANGES[path]
    missed = []
    for line in map(str.strip, lines.splitlines()):
        state, _ = step(planned(), line, ports())
        value = state.branches[-1].values.get(path)
        found = next((t.seconds for t in value if t.metric == "ttft"), None) if path == "targets" else value
        if len(state.branches) == 1 or found is None or abs(found - wanted) > 1:
            missed.append(f"{line}: {found}")
    assert len(missed) <= 1, missed


def test_what_one_change_saves_is_no_search_of_all_accelerators() -> None:
    for line in ("how much cheaper if TTFT may be 2 s", "would it be cheaper if the prompts were 1000 tokens"):
        state, _ = step(planned(), line, ports())
        plan = state.branches[-1].capacity_plan
        assert len(state.branches) == 2 and plan is not None, line
        assert plan.chosen.accelerator.startswith("h100"), line


def test_a_model_is_replaced_by_another() -> None:
    state, _ = step(planned(), "replace llama with qwen2.5 72b", ports())
    assert state.branches[-1].values["model"] == "qwen2.5-72b"


def test_a_bill_in_several_units_is_given_in_each() -> None:
    told = answer("cost/yr USD, cost/yr EUR, cost/user with 2,000 users")
    assert "a year" in told and "EUR" in told and "2,000 users" in told
