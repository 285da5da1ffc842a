"""Whether a line is about serving language models: a number without any word of that trade is asked about, not taken.

'Take the A10 motorway', 'nginx handles 2000 requests per second' and 'room B200' name accelerators and rates of other
trades. A line of nothing but the trade's words, '20 rps' or 'two A100', is plain.
"""

import re
from typing import Final

from agent.fields.demand import CROWD, HABIT
from agent.fields.table import FIELDS
from agent.interpret.draft import Draft, Finding
from agent.interpret.grammar import NAMES, Item
from agent.interpret.leftovers import covered
from agent.interpret.ordinary import ORDINARY
from agent.interpret.reading import Choice
from agent.interpret.wishes import CLOSED

_SERVING: Final = (
    "model", "prec", "runtime", "token", "ttft", "itl", "param", "preset", "kvcache", "gpunoun", "sysprompt",
    "tokenbudget", "topp", "greedy", "tps", "spot", "dgx",
)  # fmt: skip
"""Kinds of words and names that only serving language models has."""
_SERVING_WORDS: Final = frozenset(
    "llm llms gpt inference amd nvidia prompt prompts chatbot chatbots model models ai genai completion completions "
    "chat chats vllm rag copilot agents endpoint decode prefill isl osl deepseek qwen llmops slm summarisation "
    "summarization rocm cuda quantization quantisation quantized quantised nvlink pcie sxm mac studio tpu tpus "
    "tokenizer embedding finetuned".split()
)
OTHER_TRADES: Final = frozenset(
    "postgres postgresql mysql mariadb mongodb redis kafka elasticsearch cassandra sqlite database databases "
    "db sql nginx apache haproxy envoy webserver cdn dns memcached rabbitmq cache_server training train "
    "trained epoch epochs backprop motorway highway autobahn road lane paper sheet printer print vertebra "
    "vertebrae spine lumbar gate boarding flight platform_ bus tram engine motor fan fans spins rotates "
    "revolutions rotor turbine heart heartbeats beats pulse bitcoin mining crypto ethereum render rendering "
    "blender fps breaths museum factory warehouse litres liters km kilometres miles hotel room corridor "
    "marathon".split()
).union(
    # Web servers and proxies, caches, databases, queues and stores.
    "varnish squid traefik caddy lighttpd tomcat jetty wildfly iis gunicorn uwsgi puma passenger "
    "webservers proxy reverseproxy akamai fastly cloudfront memcache keydb valkey dragonfly hazelcast ehcache "
    "aerospike couchdb couchbase dynamodb clickhouse influxdb timescaledb neo4j bigquery redshift duckdb cockroachdb "
    "scylladb firestore zookeeper etcd solr lucene nats pulsar zeromq mqtt mosquitto activemq sqs kinesis "
    "celery sidekiq hadoop hbase hdfs ceph minio trino presto".split()
)
"""Words of other trades whose rates, sizes and codes look like ours."""
_MANY_UNKNOWN: Final = 2
_IN_FRONT: Final = frozenset(
    "behind through via front fronted fronting proxied before on over under onto into with using in plus and log logs "
    "logged logging stored store metadata".split()
)
"""Words before one of another trade that make it a part of the service: '8B behind nginx', 'logs in Kafka'."""
_FRONTS: Final = frozenset("front fronts fronting proxy proxies balancer balances gateway terminates cache".split())
"""Words behind one that do so."""
ASKING: Final = frozenset("ask asks asking use uses using type types write writes send sends prompt chat".split())
"""What people do with a language model."""
_CALENDAR: Final = frozenset(
    "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday weekend weekends weekdays "
    "lunchtime lunch night nights morning mornings evening evenings noon midnight holiday holidays christmas summer "
    "winter spring autumn season campaign otherwise nothing january february march april may june july august "
    "september october november december clock steady constant step define prefer power speed".split()
)
"""Words of when and of how much, which belong to no trade."""
OURS: Final = 0.02
"""Probability of being about something else below which no line is asked about: on hands that were left out a third of
the lines that were asked about needlessly are read, and none more is taken that is about something else."""
ELSEWHERE: Final = 0.8
"""Probability from which a line that names no model is taken for one of another trade."""
_ACCELERATORS: Final = "hardware.accelerators"
_REGION: Final = "money.region"
_RATE: Final = "traffic.requests_per_s"
_DOUBTFUL: Final = frozenset(
    {_RATE, _ACCELERATORS, "traffic.concurrency", "hardware.accelerator_count", "hardware.nodes", "serving.batch_cap"}
    | {"model", "hardware.excluded", "hardware.replicas", "tokens.input.mean", "tokens.output.mean"}
    | {"tokens.prefix_hit", "traffic.surge_requests_per_s", "traffic.surge_s"}
    | CROWD
)
"""Paths of values that people give in the same words of other things."""
_OTHER_SERVERS: Final = re.compile(
    r"\b(?:(?:e-?)?mail|file|print|ftp|dns|game|minecraft|web|database|build)[- ]servers?\b", re.I
)
_CLOSED: Final = re.compile(rf"\b(?:{CLOSED})\b", re.I)
_OPEN_MODELS: Final = re.compile(
    r"\bopen[- ](?:weights?|source|chat|language)?[- ]?models?\b|\b(?:language|chat) models?\b|"
    r"\bmodel sizes?\b.{0,20}\b(?:serve|run|host)\b|\b(?:size|sizes) of model\b.{0,20}\b(?:serve|run|host)\b",
    re.I,
)
"""Models that nothing but language models are called: 'which open model sizes can I serve'."""
_ALREADY: Final = frozenset({"model", "tokens.input.mean", "tokens.output.mean", "precision.weights", "targets"})
"""What was said before only of a service of a language model: the conversation is about one."""
DOUBT: Final = "I see no word of serving a language model beside it. Is it about that?"
_SHARED: Final = frozenset("model models agent agents prompt spot".split())
"""Words of the trade that prove nothing beside several strange ones: a coffee machine's model, a travel agent."""
_OUTWEIGH: Final = 4
"""Strange words that outweigh the name of a model: 'Phi 3 class sails'."""
_DIMENSIONS: Final = (
    frozenset({_RATE, "tokens.input.mean", "tokens.output.mean", "precision.weights", "targets"}) | CROWD
)
_OF_OTHERS: Final = frozenset("card cards chip chips device devices".split())
"""Words of the trade that others have too."""
_ALSO_OTHERS: Final = frozenset("throughput latency".split())
"""Words of the trade that networks, pumps and presses have too: they count where no other word is strange."""
_SIZED: Final = re.compile(r"[a-z].*\d[ -]?b\b|\d[ -]\d*b\b", re.I)
"""The name of a model with its size, which nothing else has: 'qwen2.5-coder 32b'."""
_SIZE: Final = re.compile(r"[\d.]+b")
"""A bare size, which is of no model alone: 70B of metadata."""


def ask_where_foreign(draft: Draft, elsewhere: float | None) -> None:
    """Turn values of a line, or of a clause, that is about something else into questions.

    Args:
        draft: of the rules.
        elsewhere: probability that the whole line is about something else, by the second reader, where it was asked.
    """
    if elsewhere is not None and elsewhere < OURS:
        return
    items = draft.sentence.items
    words = {item.word for item in items}
    unknown = _unknown_words(draft)
    telling = [item for at, item in enumerate(items) if _serves(item) and not _is_no_proof(items, at)]
    lengths = any(finding.path.startswith("tokens.") or finding.path == "targets" for finding in draft.findings)
    rated = lengths or any(finding.path == _RATE for finding in draft.findings)
    speeds = any(
        item.has("token") and at + 1 < len(items) and items[at + 1].has("per", "slash") for at, item in enumerate(items)
    )
    serving = (
        any(
            item.word not in _SHARED
            and (rated or not item.has("gpunoun"))
            and (lengths or speeds or not item.has("token", "tps"))
            for item in telling
        )
        or bool(draft.known.keys() & _ALREADY)
        or (bool(telling) and unknown < _MANY_UNKNOWN)
    )
    asking = any(item.has("event", "thing") or item.word in ASKING for item in items)
    weak = any(item.word in _ALSO_OTHERS or item.has("latency") for item in items)
    serving = (
        serving
        or (weak and unknown < _MANY_UNKNOWN)
        or _names_model(draft, unknown)
        or (draft.has(HABIT) and asking)
        or _CLOSED.search(draft.sentence.text) is not None
        or _OPEN_MODELS.search(draft.sentence.text) is not None
    )
    strange = bool(words & OTHER_TRADES)
    if _OTHER_SERVERS.search(draft.sentence.text) and not (draft.has("model") or words & _SERVING_WORDS - _SHARED):
        strange, serving = True, False
    if elsewhere is not None and elsewhere >= ELSEWHERE and not draft.has("model"):
        strange, serving = True, False
    if not strange and (serving or not unknown):
        return
    kept: list[Finding] = []
    places = {
        (finding.start, finding.end)
        for finding in draft.findings
        if finding.path == _REGION and (not serving or _is_doubtful(draft, finding, serving))
    }
    draft.dropped += sorted(places)
    draft.findings[:] = [finding for finding in draft.findings if (finding.start, finding.end) not in places]
    doubted = [finding for finding in draft.findings if _is_doubtful(draft, finding, serving)]
    for finding in draft.findings:
        if finding not in doubted:
            kept.append(finding)
        elif finding.path in CROWD:
            draft.dropped.append((finding.start, finding.end))
            if strange or _unknown_words(draft) >= _MANY_UNKNOWN:
                _drop_questions(draft, _RATE, finding.start)
        else:
            choices = tuple(
                Choice(option.value, f"yes: {option.echo}", option.path or finding.path) for option in finding.options
            )
            said = " ".join(draft.sentence.text[finding.start : finding.end].split())
            text = f"{said!r}: {DOUBT}"
            draft.questions.append((text, finding.path, choices, finding.start, finding.end))
    draft.findings[:] = kept
    if not serving and unknown >= _MANY_UNKNOWN:
        _drop_questions(draft, "targets")
    if not serving and unknown >= _OUTWEIGH:
        _drop_questions(draft, "model")  # 'Mistral tomorrow, 40 knots' names a wind


def _drop_questions(draft: Draft, path: str, start: int | None = None) -> None:
    """Leave out the questions about a path, those that begin at a place where one is given; they are told as unused."""
    dropped = [question for question in draft.questions if question[1] == path and start in (None, question[3])]
    draft.questions[:] = [question for question in draft.questions if question not in dropped]
    draft.dropped += [(question[3], question[4]) for question in dropped]


def _is_no_proof(items: list[Item], at: int) -> bool:
    """Whether a word of the trade proves nothing where it stands: 'no llm here', a size, 'model H200', a name alone."""
    item = items[at]
    refused = at > 0 and items[at - 1].has("neg")
    a_device = item.word == "model" and at + 1 < len(items) and items[at + 1].has("gpu")
    named = item.has("model") and not _SIZED.search(item.word)
    return refused or a_device or named or _SIZE.fullmatch(item.word) is not None


def _names_model(draft: Draft, unknown: int) -> bool:
    """Whether a model is named, or its size beside something else that a workload has.

    Strange words outweigh a name, the sooner where it has no number, unless it is said how much is served.
    """
    named = [draft.sentence.text[finding.start : finding.end] for finding in draft.findings if finding.path == "model"]
    crowds = {finding.start for finding in draft.findings if finding.path in CROWD}
    others = any(finding.path not in CROWD | {"model"} for finding in draft.findings) or any(
        question[1] not in ("model", _RATE) or (question[1] == _RATE and question[3] not in crowds)
        for question in draft.questions
    )
    asked = [draft.sentence.text[question[3] : question[4]] for question in draft.questions if question[1] == "model"]
    said = [*(asked if others else ()), *(one for one in named if others or not _SIZE.fullmatch(one.lower()))]
    told = {finding.path for finding in draft.findings} | {question[1] for question in draft.questions} - {"targets"}
    if told & _DIMENSIONS:
        return bool(said)
    sized = [any(map(str.isdigit, one)) and not _SIZE.fullmatch(one.lower()) for one in said]
    return any(unknown < (_OUTWEIGH if telling else _MANY_UNKNOWN) for telling in sized)


def _serves(item: Item) -> bool:
    """Whether a word is of serving language models alone: a card may be red, a llama a beast."""
    animal = item.has("model") and len(item.entries) > 1 and item.word.isalpha()
    return (item.has(*_SERVING) and item.word not in _OF_OTHERS and not animal) or item.word in _SERVING_WORDS


def _unknown_words(draft: Draft) -> int:
    """Return how many words are left that no rule and no list knows."""
    taken, items = covered(draft), draft.sentence.items
    units = sum(item.word in _UNITS_OF_OTHERS and at > 0 and items[at - 1].has("num") for at, item in enumerate(items))
    return units + sum(
        _is_unknown(item) and item.word not in _UNITS_OF_OTHERS and not taken[item.start] for item in items
    )


_UNITS_OF_OTHERS: Final = frozenset(
    "mg mcg ml cl kg km cm mm mph kmh knots litres liters gallons degrees celsius fahrenheit hp psi lb lbs oz ft feet "
    "inch inches metres meters fps dpi mmol pmol".split()
)
"""Units behind a number that no service of a language model is measured in."""


def _is_doubtful(draft: Draft, finding: Finding, serving: bool) -> bool:
    """Whether a value may be of another trade: its clause names one, or no word of the line is of ours."""
    items = draft.sentence.items
    inside = [index for index, item in enumerate(items) if finding.start <= item.start < finding.end]
    foreign = not serving and _unknown_words(draft) >= _MANY_UNKNOWN
    if not inside or not (foreign or finding.path in _DOUBTFUL | {_REGION}) or finding.path == "preset":
        return False
    clause = _clause(items, inside[0], inside[-1])
    ours = any(item.has("model", "token", "ttft", "itl", "preset", "runtime", "param") for item in clause) or any(
        other.path == "model" and clause[0].start <= other.start < clause[-1].end for other in draft.findings
    )
    for at, item in enumerate(clause):
        before, after = clause[max(0, at - 3) : at], clause[at + 1 : at + 4]
        beside = any(other.word in _IN_FRONT for other in before) or any(other.word in _FRONTS for other in after)
        beside = beside and ours
        if item.word in OTHER_TRADES and not beside:
            return True
    asked, field = FIELDS.get(draft.asked_path or ""), FIELDS.get(finding.path)
    answered = asked is not None and field is not None and asked.slot == field.slot
    return not serving and (foreign or not answered)


def _is_unknown(item: Item) -> bool:
    """Whether no rule and no list knows a word."""
    wordy = len(item.word) > 2 and item.word.isalpha() and item.kinds <= {"unknown"} and item.word not in _CALENDAR
    return wordy and not item.has(*NAMES) and item.word not in ORDINARY


def _clause(items: list[Item], first: int, last: int) -> list[Item]:
    """Return the items between the commas and stops around some items."""
    while first and not items[first - 1].has("comma", "stop"):
        first -= 1
    while last + 1 < len(items) and not items[last + 1].has("comma", "stop"):
        last += 1
    return items[first : last + 1]
