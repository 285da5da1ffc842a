"""`fleetcast mcp`: the forecast as tools for assistants, over standard input and output. Needs the extra `mcp`."""

from collections.abc import Callable
from typing import Any, Final, cast

from catalogs.errors import InputError
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.options import App, Directories

app = App()

INSTRUCTIONS: Final = (
    "fleetcast sizes fleets that serve large language models. `understand` reads a sentence into a spec and says what "
    "is missing; `forecast` makes the plan of a spec; figures carry bands and sources. Nothing is fetched or written."
)

JSON: Final = "application/json"


def compact(answer: dict[str, Any]) -> str:
    """Return an answer as JSON in a line."""
    import msgspec

    return msgspec.json.encode(answer).decode()


def screenful(answer: dict[str, Any]) -> str:
    """Return a plan as the terminal first shows it, or why there is none."""
    if answer["answer"] is None:
        return str(answer["reason"])
    from agent.report.plan.plan_report import plan_report
    from agent.report.rendering.plain import plain_text
    from engine.plan_file import read_plan

    return plain_text(plan_report(read_plan(compact(answer), "the plan"))).strip()


def mcp_command(catalog: Directories = None) -> int:
    """Tools for an assistant: understand, forecast, compare, explain, check_plan. Reads only; nothing is fetched."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import CallToolResult, TextContent, ToolAnnotations
    except ImportError:
        raise InputError("this needs the MCP SDK: pip install 'fleetcast[mcp]'") from None
    import msgspec

    from catalogs.version import VERSION
    from commands.serve.answers.catalog_lists import catalog_list
    from commands.serve.answers.work import Desk, answered

    class Tools(MCPServer):
        """Tools whose refusals are one sentence, for wrong arguments too."""

        async def call_tool(self, name: str, *given: Any, **named: Any) -> Any:
            try:
                return await super().call_tool(name, *given, **named)
            except ToolError as error:
                faults: Any = getattr(error.__cause__, "errors", tuple)()
                if not faults:
                    raise
                wrong = (
                    f"{'.'.join(map(str, fault['loc']))}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
                    for fault in faults
                )
                raise ToolError(f"{name} takes other arguments: {'; '.join(wrong)}") from None

    facts = user_catalogs(catalog or ())
    desk = Desk(facts)
    server = Tools("fleetcast", instructions=INSTRUCTIONS, version=VERSION, log_level="ERROR")

    def told(kind: str, in_words: Callable[[dict[str, Any]], str] = compact, **tree: Any) -> dict[str, Any]:
        """Return an answer: what a reader is told as text, all of it as structured content."""
        answer = answered(kind, msgspec.json.encode(tree), desk)
        found: dict[str, Any] = msgspec.json.decode(answer.body)
        if answer.status != 200:
            raise ToolError(str(found["error"]))
        made: Any = CallToolResult(content=[TextContent(type="text", text=in_words(found))], structured_content=found)
        return cast(dict[str, Any], made)  # by which the SDK knows the schema of what is structured

    reads = server.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    )

    @reads
    def understand(sentence: str) -> dict[str, Any]:
        """Read a workload in words into a spec; names what is missing, asked and not used."""
        return told("understand", sentence=sentence)

    @reads
    def forecast(spec: dict[str, Any], verify: bool = True) -> dict[str, Any]:
        """Make the plan of a spec: replicas, latencies with bands, bill, thresholds, provenance.

        The text is the answer in words, the structured content the plan, which explain and check_plan take. The
        resource fleetcast://schema has the spec's fields under $defs.WorkloadSpec.
        """
        return told("forecast", screenful, **spec, verify=verify)

    @reads
    def compare(spec: dict[str, Any], over: dict[str, list[Any]]) -> dict[str, Any]:
        """Plans side by side: a spec over values of some fields, {"hardware.accelerators": ["h100", "h200"]}."""
        return told("compare", spec=spec, over=over)

    @reads
    def explain(plan: dict[str, Any], path: str) -> dict[str, Any]:
        """How a figure of a plan came about: its formula, inputs with their sources, and what binds."""
        return told("explain", plan=plan, path=path)

    @reads
    def check_plan(plan: dict[str, Any]) -> dict[str, Any]:
        """Make a plan again: whether it is the same by this catalog, and what moved."""
        return told("check", plan=plan)

    @server.resource("fleetcast://schema", mime_type=JSON)
    def schema() -> str:
        """The JSON schema of plans and specs."""
        from engine.plan_file import plan_schema

        return msgspec.json.encode(plan_schema()).decode()

    def listed(kind: str) -> None:
        uri, about = f"fleetcast://catalog/{kind}", f"The {kind} of the catalog."

        @server.resource(uri, name=kind, description=about, mime_type=JSON)
        def entries() -> str:
            return msgspec.json.encode(catalog_list(kind, tuple(map(str, facts.directories[1:])))).decode()

    for kind in ("accelerators", "models", "prices", "presets"):
        listed(kind)
    server.run("stdio")
    return Exit.DONE


app.command("mcp")(mcp_command)
