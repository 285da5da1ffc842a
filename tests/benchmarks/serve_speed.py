"""Print what `fleetcast serve` carries on loopback: `python tests/benchmarks/serve_speed.py [--memory] [OTHER …]`.

32 connections ask forecasts that differ from each other, one kind of question after another; each other is a checkout
whose server is asked the same, in turns. The figure that a busy machine spoils least is the CPU time of a request, in
all of the server's processes. The target is 300 forecasts a second on two cores with a p99 under 100 ms. ``--memory``
asks 100,000 times at the end, and prints what the server's processes hold before and after. Needs Linux.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.commands.serve.server import ROOT, started

CONNECTIONS = 32
UP_S = 5.0
"""In which a server's processes take the compiled loops, where numba's cache holds them."""
ROUNDS = 2
MANY = 100_000
NEAR = [{"metric": "ttft", "percentile": "p95", "seconds": 0.8}]
Question = Callable[[random.Random], dict[str, Any]]


def asked(model: str, rate: float, prompt: float, answer: float, **more: Any) -> dict[str, Any]:
    """Return a question about a model in FP8 on H100."""
    return {
        "model": model,
        "precision": {"weights": "fp8"},
        "hardware": {"accelerators": ["h100-sxm-80gb"]},
        "traffic": {"requests_per_s": round(rate, 4)},
        "tokens": {"input": {"mean": prompt}, "output": {"mean": answer}},
        **more,
    }


KINDS: dict[str, tuple[int, Question]] = {
    "8B, rates 2 to 40/s": (2000, lambda draw: asked("llama-3.1-8b", draw.uniform(2, 40), 500, 200)),
    "8B, rates 60 to 300/s": (1000, lambda draw: asked("llama-3.1-8b", draw.uniform(60, 300), 500, 200)),
    "8B, new lengths": (1000, lambda draw: asked("llama-3.1-8b", 10, draw.randint(200, 4000), draw.randint(50, 600))),
    "70B, a stated TTFT p95": (
        300, lambda draw: asked("llama-3.1-70b", draw.uniform(2, 40), 1500, 300, targets=NEAR),
    ),
}  # fmt: skip
"""How many are asked, and what."""


async def answered(port: int, questions: Iterator[dict[str, Any]]) -> list[float]:
    """Return the seconds in which each question was answered."""
    waits: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for question in questions:
            body = json.dumps(question).encode()
            head = f"POST /api/forecast HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
            began = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            length = next(field for field in fields if field.startswith("content-length"))
            await reader.readexactly(int(length.partition(":")[2]))
            if " 200 " not in status:
                raise SystemExit(f"{status}: {question}")
            waits.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return waits


def processes_of(server: int) -> list[int]:
    """Return the ids of a server and of its children."""
    started_by = (thread.read_text().split() for thread in Path(f"/proc/{server}/task").glob("*/children"))
    return [server, *(int(one) for children in started_by for one in children)]


def cpu_s(server: int) -> float:
    """Return the CPU time of a server's processes so far."""
    stats = (Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes_of(server))
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def memory(server: int) -> str:
    """Return what a server's processes hold."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in processes_of(server)]
    return " + ".join(f"{one * os.sysconf('SC_PAGE_SIZE') / 1e6:.0f}" for one in pages) + " MB"


def ask(port: int, server: int, kind: str, count: int, seed: int) -> None:
    """Ask questions of a kind and print a line about the answers."""
    draw, question = random.Random(seed), KINDS[kind][1]
    before, began = cpu_s(server), time.perf_counter()
    waits = sorted(asyncio.run(answered(port, (question(draw) for _ in range(count)))))
    rate, cpu = count / (time.perf_counter() - began), (cpu_s(server) - before) / count
    middle, worst = waits[count // 2], waits[int(0.99 * count)]
    print(f"{kind:24}{rate:6.0f}/s   p50 {middle * 1e3:5.0f} ms   p99 {worst * 1e3:5.0f} ms   CPU {cpu * 1e3:6.2f} ms")


def main() -> None:
    """Print a line for each kind of question, checkout and round."""
    lasting = "--memory" in sys.argv
    for seed in range(ROUNDS):
        for place in (ROOT, *(Path(one) for one in sys.argv[1:] if one != "--memory")):
            print(f"\n{place}")
            command = ["main.py", "serve", "--port", "0", "--rate", "1000000", "--no-history"]
            with started(command, {}, place) as running:
                port, server = int(running.url.rpartition(":")[2]), running.process.pid
                time.sleep(UP_S)
                for kind, (count, _) in KINDS.items():
                    ask(port, server, kind, count, seed)
                if lasting and seed == ROUNDS - 1:
                    before = memory(server)
                    ask(port, server, next(iter(KINDS)), MANY, ROUNDS)
                    print(f"before {before}, after {memory(server)}")


if __name__ == "__main__":
    main()
