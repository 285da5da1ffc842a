"""Print how fast a conversation answers on a terminal: `python tests/benchmarks/conversation_speed.py`.

The first prompt is timed from the start of the process to its appearance; a line from its Enter to the next prompt.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pexpect

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5
WARM_UP_S = 2.0
LINES = (
    ("70B fp8, 20 rps, 1.5k in, 300 out", "accelerator>"),
    ("why", "accelerator>"),
    ("H100", r"plan\?>"),
    ("p95 TTFT 800ms", r"plan\?>"),
    ("back", r"plan\?>"),
    ("edit prompt to 1200 tokens", r"plan\?>"),
    ("review", r"plan\?>"),
    ("edit accelerator to choose for me", r"plan\?>"),
    ("xyzzy 17", r"plan\?>"),
)
PLANS = (("yes", "the whole catalog"), ("what if traffic doubles", "a what-if"), ("why so many GPUs", "why"))


def opened(home: str) -> tuple["pexpect.spawn[str]", float]:
    """Return a conversation and the seconds until its first prompt stood on the screen."""
    environment = {**os.environ, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, "TERM": "xterm-256color"}
    started = time.perf_counter()
    child = pexpect.spawn(
        sys.executable, [str(ROOT / "main.py")], dimensions=(50, 200), encoding="utf-8", env=environment, timeout=60
    )
    child.expect("model>")
    first = time.perf_counter() - started
    child.delaybeforesend = None
    return child, first


def answered(child: "pexpect.spawn[str]", line: str, prompt: str) -> float:
    """Return the seconds from Enter to the next prompt."""
    child.send(line)
    child.expect_exact(line)
    time.sleep(0.2)  # the echo is through: what comes now is the answer
    started = time.perf_counter()
    child.send("\r")
    child.expect(rf"\n(?:\x1b\[[\d;?]*[a-zA-Z]|\r)*{prompt}")
    return time.perf_counter() - started


def main() -> None:
    """Print a line for each figure."""
    firsts, lines = [], dict[str, list[float]]()
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as home:
            child, first = opened(home)
            firsts.append(first)
            time.sleep(WARM_UP_S)
            for line, prompt in LINES:
                lines.setdefault(line, []).append(answered(child, line, prompt))
            for line, name in PLANS:
                lines.setdefault(f"{line} ({name})", []).append(answered(child, line, "ask>"))
            child.sendline("quit")
            child.close(force=True)
    print(f"{'':40}{'best':>10}{'median':>10}{'worst':>10}")
    for name, times in {"first prompt": firsts, **lines}.items():
        print(f"{name:40}{min(times) * 1e3:>7.0f} ms{median(times) * 1e3:>7.0f} ms{max(times) * 1e3:>7.0f} ms")


if __name__ == "__main__":
    main()
