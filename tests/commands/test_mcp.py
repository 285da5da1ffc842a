"""The tools for assistants, called by the SDK's own client over a real pipe."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

from tests.commands.serve.server import ROOT, SPEC


def with_client(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def run() -> Any:
        command = StdioServerParameters(command=sys.executable, args=["main.py", "mcp"], cwd=str(ROOT))
        async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            return await work(session)

    return asyncio.run(run())


def tree_of(result: Any) -> Any:
    return result.structured_content


def test_the_client_lists_and_calls_each_tool() -> None:
    async def work(session: Any) -> Any:
        tools = (await session.list_tools()).tools
        names = {tool.name for tool in tools}
        for tool in tools:
            hints = tool.annotations
            assert hints.read_only_hint and hints.idempotent_hint and not hints.open_world_hint
        assert names == {"understand", "forecast", "compare", "explain", "check_plan"}
        line = {"sentence": "llama 3.1 8b on H100, 5 rps, 500 in, 200 out"}
        read = tree_of(await session.call_tool("understand", line))
        assert read["missing"] == []
        made = await session.call_tool("forecast", {"spec": SPEC})
        plan = tree_of(made)
        assert made.content[0].text.startswith(plan["answer"]["sentence"])
        assert len(made.content[0].text) < 4_000, "the answer in words, and not the plan a second time"
        rows = tree_of(
            await session.call_tool("compare", {"spec": SPEC, "over": {"hardware.accelerators": ["h100", "l4"]}})
        )
        assert len(rows["compared"]) == 2
        assert tree_of(await session.call_tool("check_plan", {"plan": plan}))["same"] is True
        path = {"plan": plan, "path": "fleet.replicas"}
        assert tree_of(await session.call_tool("explain", path))["reproduced"] is True
        refused = await session.call_tool("forecast", {"spec": {**SPEC, "model": "/etc/passwd"}})
        told = refused.content[0].text
        assert refused.is_error
        assert "/etc/passwd" in told
        assert "Traceback" not in told
        (wrong,) = (await session.call_tool("forecast", {"verify": []})).content
        assert wrong.text.startswith("forecast takes other arguments: spec: field required; verify: input should be")
        assert "\n" not in wrong.text and "http" not in wrong.text
        resources = {str(one.uri) for one in (await session.list_resources()).resources}
        assert "fleetcast://schema" in resources
        models = await session.read_resource("fleetcast://catalog/models")
        assert len(json.loads(models.contents[0].text)) > 10
        assert models.contents[0].mime_type == "application/json"
        return plan

    plan = with_client(work)
    done = subprocess.run(
        [sys.executable, "main.py", "forecast", "--spec", "-", "--json"],
        cwd=ROOT, capture_output=True, text=True, input=json.dumps(SPEC), check=True,
    )  # fmt: skip
    command = json.loads(done.stdout)
    assert {**plan, "sources": None} == {**command, "sources": None}


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{home}_HOME", str(tmp_path / home.lower()))

    async def work(session: Any) -> None:
        await session.call_tool("forecast", {"spec": SPEC})

    with_client(work)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts[-3:]] == []
