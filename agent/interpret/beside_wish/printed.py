"""What tools print of a server that runs: kubectl, charts, benchmarks, metrics. None of it is what is wanted."""

import re
from typing import Final

from agent.interpret.words.tables import span_of, tables_in, tells_results

_KUBECTL: Final = re.compile(
    r"(?m)^[^\S\n]*NAME\b[^\n]*\b(?:READY|REPLICAS|MINPODS|MIN|AVAILABLE|STATUS)\b[^\n]*"
    r"(?:\n[^\S\n]*[\w./-]+(?:[^\S\n]+(?:\S*[\d/%<]\S*|[A-Z]\w*))+[^\S\n]*(?=\n|\Z))*"
)
"""What kubectl prints: a head in capitals and its rows."""
_MANIFEST: Final = re.compile(r"replicaCount|(?:min|max)Replica|\.com/gpu|(?m:^[^\S\n]*(?:spec|containers):)")
"""What only a chart's values and a deployment have."""
_COUNTED: Final = re.compile(
    r"(?:replicaCount|\breplicas|(?:min|max)Replicas|(?:nvidia|amd)\.com/gpu|gpus?PerReplica)[\"']?[^\S\n]*:[^\S\n]*"
    r"[\"']?\d+"
)
"""How such a file counts what is deployed."""
_MEASURED: Final = (
    r"(?:(?:mean|median|average|avg|min|max|std|p\d\d(?:\.\d)?)\b[ \w]*?\b(?:ttft|tpot|itl|e2el?|latency|inter-token)|"
    r"(?:\w+ )*throughput|(?:successful|failed|total|completed|request|requests)\b[\w ]*\b(?:requests?|count|tokens)|"
    r"(?:benchmark )?duration|backend|traffic request rate|max(?:imum)? request concurrency|peak (?:concurrent|"
    r"output)[\w ]*|total (?:input|generated|output)[\w ]*)"
)
_RESULT: Final = re.compile(
    rf"(?mi)^[ \t]*+=+[\w =-]*+$|^[ \t]*+{_MEASURED}[\w ()/%.-]*(?:\([^)\n]*\))?[ \t]*:[^\n]*\d[^\n]*$"
)
"""A line of what a benchmark prints: 'P99 TTFT (ms): 1980.3'."""
_FEWEST_RESULTS: Final = 2
_SERIES: Final = re.compile(
    r"(?m)^[ \t]*(?:# (?:HELP|TYPE) [^\n]*|(?:[a-z_]+\((?:0\.\d+, ?)?)*"
    r"(?:vllm[:_]|sglang[:_]|trtllm[:_]|nv_|DCGM_FI_|[a-z_]*:[a-z_]+)[\w:]*"
    r"(?:\{[^}\n]*\})?(?:\[\w+\])?\)*[ \t]+[\d.eE+-]+[ \t]*)$"
)
"""A line of metrics as Prometheus takes them in."""
_PERCENTILES: Final = re.compile(
    r"(?mi)^[ \t]*+(?:p(?:50|90|95|99) ?(?:ttft|itl|tpot|e2e|latency)[:= \t]{0,4}+[\d.]++[ \t]*+(?:ms|s)?[ ,;/]*+){2,}"
    r"(?:\((?:ms|s)\))?[ \t]*+$"
)
"""Several percentiles of one latency in a line: 'p50 ttft 0.31 p95 ttft 2.4'."""
_PASTED: Final = re.compile(
    r"\bNAME\b|replicaCount|m(?:in|ax)Replicas|\.com/gpu|\breplicas:|(?i:\b(?:ttft|tpot|throughput|duration|count)\b)|"
    r"\w\{|DCGM_|MiB|:\w+_"
)


def may_be_printed(text: str) -> bool:
    """Return whether a text may hold what a tool prints: most do not."""
    return "\n" in text and _PASTED.search(text) is not None


def measured_in(text: str) -> list[tuple[int, int]]:
    """Return where a text has what was measured of a server: a benchmark's results, metrics, percentiles.

    Args:
        text: as pasted.
    """
    if not may_be_printed(text):
        return []
    results = [match.span() for match in _RESULT.finditer(text)]
    found = [match.span() for rule in (_SERIES, _PERCENTILES) for match in rule.finditer(text)]
    found += [span_of(block) for block, _ in tables_in(text) if len(block) > 1 and tells_results(text, block)]
    return found + (results if len(results) >= _FEWEST_RESULTS else [])


def deployed_in(text: str) -> list[tuple[int, int]]:
    """Return where a text has what kubectl printed, and where a manifest counts what is deployed.

    Args:
        text: as pasted.
    """
    rules = (_KUBECTL, _COUNTED) if _MANIFEST.search(text) else (_KUBECTL,)
    return [match.span() for rule in rules for match in rule.finditer(text)]
