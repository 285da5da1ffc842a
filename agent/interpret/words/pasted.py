"""Pasted things: flags of servers and benchmarks, keys of YAML and JSON, tables. Their keys become the trade's words.

What a key means stands in one table. A key that carries its unit (``ttft_p95_ms: 900``) gives it to its value; a table
of columns becomes its pairs of head and cell.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from msgspec import Struct

from agent.interpret.words.grammar import UNKNOWN, Item
from agent.interpret.words.scanner import items_of, kinds_of, phrase_items

_KEYS: Final = {
    # lengths
    "input : tokens ": "isl input_len input_length input_tokens random_input_len input_mean "
    "synthetic_input_tokens_mean "
    "prompt_tokens prompt_len prompt_length mean_input_tokens avg_input_tokens input_tokens_mean "
    "input_sequence_length sharegpt_input_len num_input_tokens prompt_tokens_mean mean_prompt_tokens "
    "avg_prompt_tokens tokens_in tokens_input prompt_size input_size input_token_length average_input_tokens "
    "average_prompt_length avg_prompt_length tokens_per_prompt",
    "output : tokens ": "osl output_len output_length output_tokens random_output_len output_mean output_tokens_mean "
    "synthetic_output_tokens_mean completion_tokens completion_len mean_output_tokens avg_output_tokens "
    "output_sequence_length num_output_tokens answer_tokens response_tokens tokens_out tokens_output "
    "sharegpt_output_len output_size output_token_length average_output_tokens generated_tokens answer_length "
    "average_answer_length avg_answer_length tokens_per_answer gen_len response_length",
    "max tokens :": "max_tokens max_new_tokens max_completion_tokens",
    "context window :": "max_model_len max_seq_len max_context context_len context_size context_window "
    "max_model_length "
    "context_length max_sequence_length ctx_size num_ctx n_ctx",
    # load
    "requests per second :": "request_rate rps qps requests_per_second requests_per_s rate req_per_s reqs_per_second "
    "queries_per_second mean_rps avg_rps average_rps requests_per_sec req_rate arrival_rate requests_s",
    "requests per minute :": "rpm requests_per_minute requests_per_min",
    "requests per hour :": "requests_per_hour rph",
    "requests per day :": "requests_per_day rpd daily_requests requests_daily",
    "concurrency :": "max_concurrency concurrency num_concurrent concurrent_requests parallel_requests "
    "parallel num_parallel "
    "num_users_concurrent",
    "peak factor :": "peak_factor peak_multiplier peak_to_mean peak_ratio",
    # serving
    "max num seqs :": "max_num_seqs max_batch_size batch_size max_running_requests max_num_sequences",
    "max num batched tokens :": "max_num_batched_tokens chunked_prefill_size max_num_tokens token_budget",
    "tp :": "tensor_parallel_size tp tp_size tensor_parallel tensor_parallelism",
    "pp :": "pipeline_parallel_size pp pp_size pipeline_parallel",
    "dp :": "data_parallel_size dp dp_size",
    "ep :": "expert_parallel_size ep ep_size",
    "gpu memory utilization :": "gpu_memory_utilization mem_fraction_static gpu_memory_utilisation "
    "kv_cache_free_gpu_mem_fraction memory_utilisation memory_utilization",
    "kv cache :": "kv_cache_dtype kv_precision kv_cache kv_dtype",
    "weights :": "quantization dtype precision weights_precision weight_precision quantisation quant",
    "temperature :": "temperature sampling_temperature",
    "top p :": "top_p",
    "prefix hit :": "prefix_hit prefix_cache_hit_rate cache_hit_rate prefix_share prefix_hit_rate",
    "system prompt :": "system_prompt_tokens shared_prefix_len prefix_len system_prompt_length",
    # system
    "model :": "model model_name model_id served_model_name tokenizer model_path m",
    "on :": "gpu_type gpu accelerator accelerators gpu_model gpu_name hardware device",
    "gpus :": "num_gpus gpus gpu_count n_gpus number_of_gpus",
    "gpus per replica :": "nvidia_com_gpu amd_com_gpu gpus_per_replica gpus_per_pod",
    "gpus per node :": "gpus_per_node gpus_per_host gpus_per_server accelerators_per_node num_gpus_per_node",
    "nodes :": "num_nodes nodes node_count nnodes",
    "replicas :": "replicas num_replicas replica_count",
    "provider :": "provider cloud cloud_provider",
    "region :": "region location zone",
    "budget per month $": "monthly_budget budget_usd monthly_budget_usd max_monthly_cost budget_per_month",
    # latency
    "ttft :": "ttft first_token ttft_target time_to_first_token max_ttft ttft_slo",
    "itl :": "itl per_token tpot itl_target tpot_target max_itl inter_token_latency time_per_output_token "
    "itl_slo tpot_slo",
    "e2e :": "e2e whole_answer e2e_latency end_to_end_latency max_latency e2e_target request_latency",
}  # fmt: skip
"""What keys mean: the words that the rules read, and the keys, in lower case with _ for -, . and blanks."""
_UNITS: Final = {
    "ms": "ms", "milliseconds": "ms", "millis": "ms", "s": "seconds", "sec": "seconds", "seconds": "seconds",
    "usd": "$", "kw": "kW",
}  # fmt: skip
"""Units at the end of a key, which its value then has."""
_PERCENTILES: Final = re.compile(r"p\d\d|mean|avg|median|peak|pk|max")
_FLAG: Final = re.compile(
    r"(?<![\w-])--?(?P<key>[A-Za-z][\w.-]*)(?P<between>\s*=\s*|[\"'],?\s*[\"']?|\s+)(?P<value>[^\s-][^\s;,]*)?"
)
_ROW: Final = re.compile(r"(?m)^(?P<key>[A-Za-z][\w .-]*),(?=[^,\n]+$)")
"""A row of a CSV file of names and values."""
_PAIR: Final = re.compile(
    r"(?P<quote>[\"'])?(?P<key>[A-Za-z][A-Za-z0-9]*(?:[_./-][A-Za-z0-9]+)*)(?(quote)(?P=quote))\s*(?:[:=])\s*(?=[\[{]?\s*[\"']?[\w.$€])"
)


@cache
def _meanings() -> dict[str, str]:
    return {key: words for words, keys in _KEYS.items() for key in keys.split()}


_EVENTS: Final = frozenset("req reqs request requests call calls query queries message messages msg msgs".split())
_TIMES: Final = {
    "s": "second", "sec": "second", "second": "second", "min": "minute", "minute": "minute", "h": "hour", "hr": "hour",
    "hour": "hour", "d": "day", "day": "day", "week": "week", "month": "month",
}  # fmt: skip
_SIDES: Final = {
    "in": "input : tokens ", "input": "input : tokens ", "prompt": "input : tokens ", "out": "output : tokens ",
    "output": "output : tokens ", "answer": "output : tokens ",
}  # fmt: skip
_HIGHEST: Final = ("peak", "pk", "max")
_LITTLE: Final = frozenset({"tok", "toks", "token", "tokens", "len", "length"})


def meaning_of_key(key: str) -> tuple[str, str] | None:
    """Return the words that a key stands for, and the unit of its value; None where it is none of the table.

    Args:
        key: as typed: --random-input-len, ttft_p95_ms, requestRate, req/day, avg in.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip("-\"' ")).lower()
    name = re.sub(r"[\s.()/\-]+", "_", name).strip("_")
    if name in _meanings():
        return _meanings()[name], ""
    parts = name.split("_")
    statistic = next((part for part in parts if _PERCENTILES.fullmatch(part)), "")
    words, unit = _words_and_unit([part for part in parts if part != statistic], bool(statistic))
    rate = words.startswith("requests per")
    if not words or (statistic in _HIGHEST and not rate):
        return None  # only of a rate is the highest a figure of its own
    if rate:
        highest = f"peak {words}" if statistic in _HIGHEST else words
        return None if statistic not in ("", "avg", "mean", *_HIGHEST) else (highest, unit)
    statistic = {"avg": "mean", "median": "p50"}.get(statistic, statistic)
    if words.endswith(" : tokens "):
        return (words if statistic in ("", "mean") else f"{words.partition(' ')[0]} {statistic} : tokens "), unit
    return f"{words.removesuffix(':')}{statistic} :", unit


def _words_and_unit(parts: list[str], of_statistic: bool) -> tuple[str, str]:
    """Return what the parts of a key say but for its statistic: words, empty where it is no key, and its unit."""
    if len(parts) > 1 and parts[0] in _EVENTS and parts[-1] in _TIMES and parts[1:-1] in ([], ["per"], ["a"]):
        return f"requests per {_TIMES[parts[-1]]} :", ""
    unit = next((part for part in parts[1:] if part in _UNITS and (len(part) > 1 or part == parts[-1])), "")
    bare = [part for part in parts if not unit or part != unit]
    told = [part for part in bare if part not in _LITTLE]
    if len(told) == 1 and told[0] in _SIDES and (of_statistic or len(bare) > 1):
        return _SIDES[told[0]], _UNITS.get(unit, "")
    return _meanings().get("_".join(bare), "") if of_statistic or unit else "", _UNITS.get(unit, "")


def _is_key(cell: str) -> bool:
    """Whether a cell of a table names what another holds; 'in' and 'out' do so there, and stand for themselves."""
    return cell.strip().lower() in ("in", "out", "input", "output") or meaning_of_key(cell) is not None


def put_into_words(text: str, items: list[Item]) -> list[Item]:
    """Return the items with pasted keys as the words that they stand for, and tables as pairs of key and value."""
    if not _LOOKS_PASTED.search(text):
        return items
    spans = [*_table_pairs(text), *_key_pairs(text)]
    return _rewritten(text, items, spans) if spans else items


_LOOKS_PASTED: Final = re.compile(r"--?[a-zA-Z]|[\w\"'][:=]|\t|\||\w_\w|\n")


_BLOCK_LINE: Final = re.compile(
    r"\s*(?:\||[-*•] |#|[\[\]{}]+,?\s*$|[\"']?[\w./-]+(?: [\w./-]+)?[\"']?\s*[:=](?:\s|$))|.*(?:\t|\\\s*$)|\s*--?\w"
)
"""A row of a table, an item of a list, a comment, a bracket, a key with its value, a command that goes on, a flag."""


def is_one_block(text: str) -> bool:
    """Return whether lines belong together: a table, YAML, JSON, a list, a command over several lines.

    Args:
        text: the lines, as they were pasted.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) > 1 and all(_BLOCK_LINE.match(line) for line in lines)


class _Pair(Struct, frozen=True):
    """A key and where its value lies."""

    key: tuple[int, int]
    """With the sign between it and its value."""
    value: tuple[int, int] | None
    """None where the value is what follows."""
    words: str | None
    """What the key stands for; None where its own words stay."""
    unit: str = ""
    unknown: bool = False
    """A flag that no plan depends on."""


def _key_pairs(text: str) -> Iterator[_Pair]:
    """Yield flags, and keys of YAML and JSON."""
    for flag in _FLAG.finditer(text):
        found = meaning_of_key(flag["key"])
        if found is None and not text[flag.start() :].startswith("--"):
            continue
        words, unit = found or ("", "")
        number = flag["value"] is not None and re.fullmatch(r"[\d.,]+[kKmM]?", flag["value"].strip("'\""))
        end = flag.end() if found is None and number else flag.start() + len(flag.group()) - len(flag["value"] or "")
        yield _Pair((flag.start(), end), None, words, unit, found is None and number is not None)
    for row in _ROW.finditer(text):
        if found := meaning_of_key(row["key"]):
            yield _Pair((row.start(), row.end()), None, *found)
    parents = _parents(text)
    joined = {parents[start][0] for start in parents if _of_parent(text, parents, start) is not None}
    for pair in _PAIR.finditer(text):
        if pair.start() in joined:
            yield _Pair((pair.start(), pair.end()), None, "")
            continue
        if (of_parent := _of_parent(text, parents, pair.start())) is not None:
            yield _Pair((pair.start(), pair.end()), None, *of_parent)
            continue
        before = text[: pair.start()].rstrip(" \"'")
        opens = not before or before[-1] in "\n{,;[(|.:" or re.search(r"(?:^|\n)\s*[-*•]$", before) is not None
        found = meaning_of_key(pair["key"])
        if found is not None and (opens or "_" in pair["key"] or "=" in pair.group()):
            yield _Pair((pair.start(), pair.end()), None, *found)


def _parents(text: str) -> dict[int, tuple[int, str]]:
    """Return, by where a key begins, the key around it and where that begins: ``ttft`` of ``ttft: {p99: 1.2}``."""
    found: dict[int, tuple[int, str]] = {}
    braces: list[tuple[int, str] | None] = []
    indented: list[tuple[int, tuple[int, str]]] = []
    last, at = None, 0
    for pair in _PAIR.finditer(text):
        for opening in re.finditer(r"[{}]", text[at : pair.start()]):
            if opening.group() == "{":
                braces.append(last)
            elif braces:
                braces.pop()
        at = pair.start()
        line_start = text.rfind("\n", 0, pair.start()) + 1
        indent = pair.start() - line_start if not text[line_start : pair.start()].strip() else -1
        if indent >= 0:
            while indented and indented[-1][0] >= indent:
                indented.pop()
        around = braces[-1] if braces else indented[-1][1] if indented and indent > 0 else None
        if around is not None:
            found[pair.start()] = around
        last = (pair.start(), pair["key"])
        if indent >= 0:
            indented.append((indent, last))
    return found


def _of_parent(text: str, parents: dict[int, tuple[int, str]], start: int) -> tuple[str, str] | None:
    """Return what a key means with the key around it, where it means so little alone: ``max`` of ``qps``."""
    pair = _PAIR.match(text, start)
    if pair is None or start not in parents or meaning_of_key(pair["key"]) is not None:
        return None
    return meaning_of_key(f"{parents[start][1]}_{pair['key']}")


_Block = list[list[tuple[int, int]]]


def _blocks(text: str) -> Iterator[tuple[_Block, bool]]:
    """Yield the tables of a text, each as the places of its cells by row, and whether its head is ruled off."""
    block: _Block = []
    ruled = False
    at = 0
    # A table of lines that were joined has two bars where one line ends: '| a | b | | c | d |'.
    flat = "\n" not in text and text.count("|") > 5
    for line in [*(re.split(r"(?<=\|)[ \t](?=\|)", text) if flat else text.split("\n")), ""]:
        cells = _cells(text, line, at)
        at += len(line) + 1
        if cells is None:
            ruled = ruled or bool(block)
        elif len(cells) > 1 and (not block or len(cells) == len(block[0])):
            block.append(cells)
        else:
            yield block, ruled
            block, ruled = ([cells] if len(cells) > 1 else []), False


def _table_pairs(text: str) -> Iterator[_Pair]:
    """Yield the cells of tables with what they are the values of."""
    for block, ruled in _blocks(text):
        yield from _pairs_of(text, block, ruled)


def _are_workloads(text: str, block: list[list[tuple[int, int]]]) -> bool:
    """Whether a table has a workload in each row: a head of keys, and no percentiles below it."""
    keyed = [_is_key(text[start:end]) for start, end in block[0]]
    levels = any(_PERCENTILES.fullmatch(text[slice(*row[0])].strip().lower()) for row in block[1:])
    return sum(keyed) > 1 and len(keyed) > 2 and not levels


class WorkloadRow(Struct, frozen=True):
    """A row of a table that has a workload in each."""

    name: str
    text: str
    """Its head and its cells where they stand in the text, and blanks elsewhere."""
    share: float = 0.0
    """Of all requests, where the table says it; else 0."""


def workload_rows(text: str) -> tuple[tuple[WorkloadRow, ...], int, int]:
    """Return the rows of the first table that has a workload in each of several, and where the table lies.

    Args:
        text: as pasted.
    """
    for block, _ in _blocks(text) if "\n" in text else ():
        if len(block) < 3 or not _are_workloads(text, block):
            continue
        named = not _is_key(text[slice(*block[0][0])])
        rows = []
        shares, column = _shares_in(text, block)
        for number, row in enumerate(block[1:], start=1):
            kept = [" "] * (len(text) + 1)
            for cells in (block[0][named:], row[named:]):
                for start, end in (cell for at, cell in enumerate(cells, named) if at != column):
                    kept[start : end + 1] = [*text[start:end], "\t" if (start, end) != cells[-1] else "\n"]
            name = text[slice(*row[0])] if named else f"row {number}"
            rows.append(WorkloadRow(name, "".join(kept), shares[number - 1]))
        return tuple(rows), block[0][0][0], block[-1][-1][1]
    return _labelled_rows(text)


_SHARE: Final = re.compile(
    r"(?:traffic |request )?(?:share|mix|weight|portion|percent|%)(?: of (?:traffic|requests))?", re.I
)


def _shares_in(text: str, block: _Block) -> tuple[list[float], int]:
    """Return the share of all requests of each row of a table and its column; zeros where it has none that make 1."""
    for column, head in enumerate(block[0]):
        cells = [text[slice(*row[column])].strip() for row in block[1:]]
        if _SHARE.fullmatch(text[slice(*head)].strip()) and all(re.fullmatch(r"\d+(?:\.\d+)?\s?%", c) for c in cells):
            shares = [float(cell.rstrip("% ")) / 100 for cell in cells]
            return (shares if abs(sum(shares) - 1) < 0.01 else [0.0] * len(shares)), column
    return [0.0] * len(block), -1


_LABEL: Final = re.compile(
    r"(?:^|(?<=[.;\n]))[^\S\n]*(?:[-*•] )?(?P<name>(?:(?!option|setup|variant|year|phase|stage|step|month|week|quarter|"
    r"day|q\b)[a-z]+ )?(?P<mark>[A-H]|[1-9])):\s",
    re.I,
)
"""How workloads are told one after the other: 'Team A: 3 rps of … Team B: 5 rps of …'."""
_RATE_SAID: Final = re.compile(
    r"\d\s?(?:[rq]p[smhd]\b|(?:req|requests?|queries|calls|messages)\s?(?:/|per |an? )\s?\w)", re.I
)
_SENTENCE_ENDS: Final = re.compile(r"\.\s+(?=[A-Z])|\n|$")


def _labelled_rows(text: str) -> tuple[tuple[WorkloadRow, ...], int, int]:
    """Return workloads that are told under A and B, or 1 and 2, each with a rate of its own; and where they lie."""
    labels = list(_LABEL.finditer(text))
    marks = [label["mark"].upper() for label in labels]
    if len(labels) < 2 or marks not in (list("ABCDEFGH"[: len(marks)]), list("123456789"[: len(marks)])):
        return (), 0, 0
    ends = [label.start() for label in labels[1:]]
    last = _SENTENCE_ENDS.search(text, labels[-1].end())
    ends.append(last.start() if last else len(text))
    parts = [(label.end(), end) for label, end in zip(labels, ends, strict=True)]
    if not all(_RATE_SAID.search(text[start:end]) for start, end in parts):
        return (), 0, 0
    rows = [
        WorkloadRow(label["name"], " " * start + text[start:end] + " " * (len(text) - end))
        for label, (start, end) in zip(labels, parts, strict=True)
    ]
    return tuple(rows), labels[0].start(), ends[-1]


def options_beyond(text: str) -> list[tuple[int, int]]:
    """Return where options B and C lie beside A."""
    options = list(_OPTION.finditer(text))
    return [option.span() for option in options[1:]] if [o["letter"] for o in options[:2]] == ["A", "B"] else []


def _is_list_of_keys(line: str) -> bool:
    """Whether a line is the head of a CSV file: names with commas between them, most of which are keys."""
    cells = line.split(",")
    keyed = sum(map(_is_key, cells))
    return keyed == len(cells) > 1 or (keyed > 2 and 2 * keyed > len(cells) and not any(map(str.isdigit, line)))


def is_head(line: str) -> bool:
    """Return whether a line is the head of a table whose rows come after it: keys, and no value among them.

    Args:
        line: as it was typed, or came through a pipe.
    """
    cells = _cells(line, line, 0) or []
    keyed = sum(_is_key(line[start:end]) for start, end in cells)
    return keyed > 1 and 2 * keyed >= len(cells) and not any(map(str.isdigit, line))


def goes_on(table: str, line: str) -> bool:
    """Return whether a line is the next one of a table.

    Args:
        table: its lines so far, the head first.
        line: as it came.
    """
    head = table.partition("\n")[0]
    cells = _cells(f"{head}\n{line}", line, len(head) + 1)
    if cells == [] and "," in head:  # names and numbers below a head of keys
        return line.count(",") == head.count(",")
    return cells is None or len(cells) == len(_cells(head, head, 0) or ())


_OPTION: Final = re.compile(r"(?m)^\s*(?:option\s+|setup\s+|variant\s+)?(?P<letter>[A-F])[).:]\s[^\n]*", re.I)


def _cells(text: str, line: str, at: int) -> list[tuple[int, int]] | None:
    """Return where the cells of a table's line lie; None for the line under a head."""
    if re.fullmatch(r"\s*\|?(?:\s*:?-{2,}:?\s*\|?)+\s*", line):
        return None
    mark = "|" if line.count("|") > 1 else "\t" if "\t" in line else ";" if re.search(r"\S;\S", line) else ","
    if mark == ";" and "; " in line:
        return []
    if mark == "," and len(re.split(r" {2,}", line.strip())) > 2:
        return [(at + cell.start(), at + cell.end()) for cell in re.finditer(r"\S+(?: \S+)*", line)]
    if mark == "," and not _is_list_of_keys(line):
        # A row of numbers and names belongs to a head of keys; any other line is a sentence.
        above = [one for one in text[:at].split("\n") if one.strip()]
        head = next((one for one in reversed(above) if one.count(",") != line.count(",") or _is_list_of_keys(one)), "")
        if line.count(",") != head.count(",") or not _is_list_of_keys(head):
            return []
    cells = []
    for cell in re.finditer(rf"[^{re.escape(mark)}]+", line):
        stripped = cell.group().strip()
        if stripped:
            start = at + cell.start() + cell.group().index(stripped)
            cells.append((start, start + len(stripped)))
    return cells


def _pairs_of(text: str, block: list[list[tuple[int, int]]], ruled: bool) -> Iterator[_Pair]:
    """Yield the pairs of a table: of two columns its rows; else its head with its only row."""
    keyed = [_is_key(text[start:end]) for start, end in (block[0] if block else ())]
    if len(block) > 2 and _are_workloads(text, block):
        block = block[:2]  # a plan is of one workload: see workload_rows
    by_columns = len(block) == 2 and (len(keyed) > 2 or (len(keyed) == 2 and all(keyed)))
    if by_columns:
        pairs = list(zip(block[0], block[1], strict=True))
    elif len(block) == 1 and len(keyed) > 2 and keyed == [at % 2 == 0 for at in range(len(keyed))]:
        pairs = list(zip(block[0][::2], block[0][1::2], strict=True))  # | in | 1800 | out | 220 |
    elif block and len(block[0]) == 2:
        pairs = [(row[0], row[1]) for row in block[1 if ruled and not keyed[0] else 0 :]]
    else:
        return
    for key, value in pairs:
        words, unit = meaning_of_key(text[slice(*key)]) or (None, "")
        yield _Pair(key, value, words, unit)


def _rewritten(text: str, items: list[Item], pairs: list[_Pair]) -> list[Item]:
    """Return the items in the order of pairs: the key's words, a colon, the value with its unit, a stop."""
    tables = [pair for pair in pairs if pair.value is not None]
    covered = [span for pair in tables for span in (pair.key, pair.value) if span is not None]
    keys = sorted((pair for pair in pairs if pair.value is None), key=lambda pair: pair.key)
    made: list[Item] = []
    for pair in tables:
        assert pair.value is not None
        colon = Item(kinds_of(":"), pair.key[1] - 1, pair.key[1], ":")
        words = _within(items, pair.key) if pair.words is None else phrase_items(pair.words, *pair.key)
        value = _scanned(text, *pair.value, whole=(pair.words or "").endswith("tokens "))
        made += [*words, *([colon] if pair.words is None else []), *_with_unit(value, pair.unit, text)]
        made.append(Item(kinds_of("\n"), pair.value[1] - 1, pair.value[1], "\n"))
    position, last_end = 0, -1
    while position < len(items):
        item = items[position]
        if any(start <= item.start < end for start, end in covered) or (item.word == "|" and tables):
            position += 1
            continue
        pair_here = next((p for p in keys if p.key[0] <= item.start < p.key[1] and p.key[0] > last_end), None)
        if pair_here is None:
            made.append(item)
            position += 1
            continue
        last_end = pair_here.key[0]
        start, end = pair_here.key
        if made and not made[-1].has("stop"):
            made.append(Item(kinds_of("\n"), start, start + 1, "\n"))
        while position < len(items) and items[position].start < end:
            position += 1
        if pair_here.unknown:
            made.append(Item(UNKNOWN, start, end, text[start:end], numeric=True))
            continue
        made += phrase_items(pair_here.words or "", start, end)
        if pair_here.unit:
            made += _with_unit(items[position : position + 1], pair_here.unit, text)
            position += 1
    return made


def _scanned(text: str, start: int, end: int, *, whole: bool) -> list[Item]:
    """Return the items of a cell, read by itself: '5,500,100' are three cells of a row.

    Args:
        text: as pasted.
        start: of the cell.
        end: of the cell.
        whole: tokens, which come whole: '2.400' are thousands.
    """
    items = items_of(text[start:end])
    for item in items:
        if whole and item.has("num") and _THOUSANDS.fullmatch(text[start:end]):
            item.amount = item.number.times(1000.0)
        item.start, item.end = item.start + start, item.end + start
    return items


_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")


def _within(items: list[Item], span: tuple[int, int]) -> list[Item]:
    return [item for item in items if span[0] <= item.start < span[1]]


def _with_unit(value: list[Item], unit: str, text: str) -> list[Item]:
    """Return a value with the unit that its key names, unless it carries one itself."""
    number = next((item for item in value if item.has("num")), None)
    if not unit or number is None or text[number.end : number.end + 1].isalpha():
        return value
    at = value.index(number) + 1
    return [*value[:at], *phrase_items(unit, number.end - 1, number.end), *value[at:]]
