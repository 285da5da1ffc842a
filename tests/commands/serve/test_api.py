"""The API: the same answers as the commands, one-sentence refusals, and a door that strangers do not pass."""

import gzip
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from commands.serve.documented import BODIES
from tests.commands.serve.server import ROOT, SPEC, Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve")) as running:
        yield running


def by_command(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "main.py", *arguments], cwd=ROOT, capture_output=True, text=True, input=stdin, check=False
    )
    return done.stdout


def without_sources(plan: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in plan.items() if key != "sources"}, sort_keys=False)


def test_command_api_page_and_dialogue_make_the_same_plan(server: Server) -> None:
    from_api = server.made("/api/forecast", SPEC)
    spec_on_stdin = json.loads(by_command("forecast", "--spec", "-", "--json", stdin=json.dumps(SPEC)))
    assert without_sources(from_api) == without_sources(spec_on_stdin)
    query = "model=llama-3.1-8b&rps=5&input-tokens=500&output-tokens=200&gpu-type=h100"
    status, downloaded, _ = server.ask(f"/download/json?{query}")
    assert status == 200
    assert without_sources(json.loads(downloaded)) == without_sources(from_api)
    talked = server.made("/api/talk", {"line": "llama 3.1 8b on H100, 5 rps, 500 in, 200 out"})
    while talked["plan"] is None:
        talked = server.made("/api/talk", {"line": "", "state": talked["state"]})
    assert without_sources(talked["plan"]) == without_sources(from_api)


@pytest.mark.parametrize("name", sorted(set(BODIES) - {"simulate"}))
def test_each_example_of_the_documentation_works(server: Server, name: str) -> None:
    status, answer = server.json(f"/api/{name}", BODIES[name].example)
    assert status == 200, answer


def test_a_figure_is_derived(server: Server) -> None:
    plan = server.made("/api/forecast", SPEC)
    status, told = server.json("/api/explain", {"plan": plan, "path": "performance.at_peak.ttft_s.p95"})
    assert status == 200, told
    assert told["reproduced"]
    assert server.json("/api/explain", {"plan": plan, "path": "performance.nothing"})[0] == 400


def test_a_simulation_tells_its_progress_and_ends_with_a_result(server: Server) -> None:
    status, text, headers = server.ask("/api/simulate", {**SPEC, "requests": 3000})
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    events = [part.split("\n") for part in text.decode().strip().split("\n\n")]
    assert events[-1][0] == "event: result"
    assert json.loads(events[-1][1].removeprefix("data: "))["requests"] > 0


@pytest.mark.parametrize("body", [b"{", b"[]", {}, {**SPEC, "trafic": 1}, {**SPEC, "model": "lama-9"}], ids=str)
def test_what_cannot_be_forecast_cannot_be_simulated_in_the_same_words(server: Server, body: Any) -> None:
    """Before any event is sent, and with the status that says so."""
    assert server.ask("/api/simulate", body)[:2] == server.ask("/api/forecast", body)[:2]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/forecast", b"{", 400, "not JSON"),
        ("/api/forecast", b"[]", 400, "object is expected"),
        ("/api/forecast", {}, 422, "still needed: a rate (traffic.requests_per_s 10"),
        (
            "/api/explain",
            {"path": "monthly-bill", "flags": {"model": "8B", "preset": "chat", "rps": "5"}},
            400,
            "paths begin with",
        ),
        ("/api/forecast", {**SPEC, "trafic": 1}, 400, "did you mean traffic?"),
        ("/api/forecast", {**SPEC, "model": "lama-9"}, 400, "lama-9"),
        ("/api/forecast", {**SPEC, "model": "nonesuch"}, 400, "or mistral-7b-v0.1"),
        ("/api/forecast", {**SPEC, "model": "/etc/passwd"}, 400, "/etc/passwd"),
        ("/api/forecast", {**SPEC, "model": "./main.py"}, 400, "main.py"),
        ("/api/forecast", {**SPEC, "model": "nobody/secret-model"}, 400, "asks no hub"),
        ("/api/forecast", {**SPEC, "traffic": {"requests_per_s": -1}}, 400, "traffic.requests_per_s"),
        ("/api/forecast", {**SPEC, "verify": "yes"}, 400, "true or false"),
        ("/api/forecast", b'{"a":' * 200 + b"1" + b"}" * 200, 400, "levels deep"),
        ("/api/forecast", b"x" * 1_500_000, 413, "larger than"),
        ("/api/estimate", SPEC, 400, "load is"),
        ("/api/compare", {"spec": SPEC, "over": {}}, 400, "over"),
        ("/api/understand", {}, 400, "sentence"),
        ("/api/talk", {"line": "help", "state": "forged.00"}, 400, "not one that this server gave"),
        ("/api/talk", {"line": "why", "flags": {"model": "/etc/passwd", "rps": "1"}}, 400, "/etc/passwd"),
        ("/api/calculate", {}, 400, "model_name is needed, or hidden_dim"),
        ("/api/calculate", {"ff_dim": 8}, 400, "hidden_dim, num_layers, vocab_size are needed"),
        ("/api/calculate", {"ff_dim": 8, "hidden_dim": 8, "num_layers": 1}, 400, "vocab_size is needed"),
        ("/api/forecast", {"input_tokens": 500}, 400, "did you mean tokens.input.mean?"),
        ("/api/forecast", {"tokens": {"input": 500}}, 400, "tokens.input has cv, mean"),
        ("/api/calculate", {"calculation_type": "magic"}, 400, "only 'model'"),
        ("/api/calculate", {"model_name": "llama-3.1-8b", "precision": "fp3"}, 400, "fp16"),
        ("/api/calculate", {"model_name": "/etc/passwd"}, 400, "/etc/passwd"),
        ("/api/calculate", {"model_name": "llama-3.1-8b", "efficiency_factor": 2}, 400, "efficiency_factor"),
        ("/api/model_scaling_analysis", {}, 400, "gpu_vram_gb, hidden_dimensions, feedforward_dimensions, num_layers"),
        ("/api/talk", {"line": "why", "flags": [1]}, 400, "flags are texts"),
        ("/api/explain", {"path": "answer", "flags": {"rps": 5}}, 400, "flags are texts"),
        ("/import", {"name": "a.csv", "text": "a,b", "flags": [1]}, 400, "flags are texts"),
        ("/import", {"name": "a.csv", "text": "a,b", "flags": "abc"}, 400, "flags are texts"),
        ("/api/simulate", {**SPEC, "requests": 10**9}, 400, "a whole number from 1 to 200,000"),
        ("/api/simulate", {**SPEC, "requests": None}, 400, "requests is null where a whole number"),
        ("/api/simulate", {**SPEC, "seed": True}, 400, "seed is true where a whole number"),
        ("/api/simulate", {**SPEC, "serving": {"tensor_parallel": 3}}, 400, "no plan to simulate"),
        ("/api/nothing", {}, 404, "nothing at this address"),
        ("/api/schema", {}, 405, "this address takes GET"),
    ],
)
def test_bad_input_gets_one_sentence(server: Server, path: str, body: Any, status: int, words: str) -> None:
    answered, text, headers = server.ask(path, body)
    assert answered == status, text
    tree = json.loads(text)
    assert list(tree) == ["error"]
    assert words in tree["error"]
    assert "Traceback" not in tree["error"]
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_of_other_sites_and_other_names_are_refused(server: Server) -> None:
    assert server.ask("/", headers={"Host": "evil.example"})[0] == 421
    assert server.ask("/api/forecast", SPEC, {"Origin": "https://evil.example"})[0] == 403
    assert server.ask("/api/forecast", SPEC, {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert server.ask("/api/forecast", SPEC, {"Origin": "null"})[0] == 403
    assert server.ask("/api/forecast", SPEC, {"Origin": "http://["})[0] == 403
    assert server.ask("/api/forecast", SPEC, {"Origin": server.url, "Sec-Fetch-Site": "same-origin"})[0] == 200
    assert "script-src 'self'" in server.ask("/")[2]["content-security-policy"]
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2f..%2fprogram.py"):
        assert server.ask(path)[0] == 404


def test_a_calculation_is_kept_listed_shown_and_removed(server: Server) -> None:
    spec = {**SPEC, "traffic": {"requests_per_s": 7}}
    plan = server.made("/api/forecast", spec)
    number = server.json("/api/plans")[1][0]["id"]
    assert server.json(f"/api/plans/{number}")[1] == plan
    assert server.json(f"/api/plans/{number}", method="DELETE")[0] == 200
    assert server.json(f"/api/plans/{number}")[0] == 404
    assert server.json("/api/plans/x;drop")[0] == 404
    for strange in ("%C2%B2", "9" * 5_000, "-1", ""):
        assert server.ask(f"/compare?id={strange}")[0] == 200
        assert server.ask("/history/remove", f"number={strange}".encode(), FORM, method="POST")[0] in (200, 422)


def test_a_link_says_what_of_it_is_not_used(server: Server) -> None:
    page = server.ask("/?utm_source=%3Cb%3Email")[1].decode()
    assert "Not used of the link: utm_source." in page
    assert "replicas of" in page, "and the page is what it is without it"
    page = server.ask(f"/?model=llama-3.1-8b&rps=3&gpu-type={'h100,' * 200}")[1].decode()
    assert "Gpu-type is longer than the 500 characters" in page


LINK = "model=llama-3.1-8b&rps=5&input-tokens=500&output-tokens=200&gpu-type=l4"


def test_the_page_shows_a_plan_of_what_was_asked_and_of_nothing_else(server: Server) -> None:
    """What says nothing leaves the plan that stood there; what is open is asked in its place, and stays in the link."""
    page = server.ask(f"/?sentence=hello&before={quote(LINK)}")[1].decode()
    assert "Nothing in &#39;hello&#39; says what to plan." in page
    assert f'data-query="{LINK.replace("&", "&amp;")}"' in page
    assert "serve Llama" not in server.ask("/?sentence=hello")[1].decode()
    ambiguous = quote("llama 3.1 8b on l4, 5 rps, 500 in, 200 out, budget $5000")
    page = server.ask(f"/?sentence={ambiguous}")[1].decode()
    assert "a month or a year?" in page
    assert "Llama 3.1 8B in" not in page
    assert 'type="hidden" name="sentence"' in page, "so that another field that is edited does not settle it"
    _, edited, headers = server.ask(f"/answer?sentence={ambiguous}&rps=6")
    assert b"a month or a year?" in edited
    assert "sentence=llama" in headers["HX-Replace-Url"]
    (settled,) = re.findall(r'href="([^"]*&amp;budget=5000)"', page)
    assert "Llama 3.1 8B in" in server.ask(unescape(settled))[1].decode()


def test_where_there_is_no_plan_none_is_offered_to_take_along(server: Server) -> None:
    page = server.ask(f"/answer?{LINK}&tp=3&verified=1")[1].decode()
    assert "TP3 does not divide" in page
    assert "/download/" not in page
    assert "Simulated" not in page


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_comparison_says_what_it_leaves_out(server: Server) -> None:
    for rate in (21, 22, 23, 24, 25):
        server.made("/api/forecast", {**SPEC, "traffic": {"requests_per_s": rate}})
    numbers = [one["id"] for one in server.json("/api/plans")[1][:5]]
    marked = "&".join(f"id={number}" for number in numbers)
    assert b"Up to 4 plans stand side by side: 1 are left out" in server.ask(f"/compare?{marked}")[1]
    page = server.ask(f"/compare?current=model%3Dnobody-knows%26rps%3D1&{marked}")[1].decode()
    assert "This one has no plan: " in page
    assert "nobody-knows" in page
    assert page.count("<tr>") >= 4
    gone = server.ask(f"/compare?id=987654321&id={numbers[0]}")[1]
    assert b"No calculation is kept as 987654321." in gone


def test_the_catalog_the_schema_and_the_metrics_are_there(server: Server) -> None:
    for kind in ("accelerators", "models", "prices", "presets"):
        assert len(server.json(f"/api/catalog/{kind}")[1]) > 5
    models = server.json("/api/available_models")[1]
    assert set(models[0]) == {
        "name", "hidden_dim", "ff_dim", "num_layers", "vocab_size", "seq_len", "family", "parameter_count",
    }  # fmt: skip
    assert "$defs" in server.json("/api/schema")[1]
    assert server.json("/healthz")[1]["status"] == "ok"
    assert b'fleetcast_requests_total{route="/healthz",status="200"}' in server.ask("/metrics")[1]
    by_number = server.json("/api/openapi.json")[1]["paths"]["/api/plans/{number}"]
    assert not any("422" in endpoint["responses"] for endpoint in by_number.values())


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/plans", "/static/report.css", "/api/plans/none"])
def test_what_is_read_can_be_asked_for_without_its_body(server: Server, path: str) -> None:
    status, text, headers = server.ask(path)
    assert server.ask(path, method="HEAD")[:2] == (status, b"")
    assert server.ask(path, method="HEAD")[2]["content-type"] == headers["content-type"]
    assert text


def test_a_token_is_asked_of_everybody_but_who_watches(tmp_path: Path) -> None:
    token = "correct-horse-battery"
    with serving(tmp_path, environment={"FLEETCAST_TOKEN": token}) as server:
        assert server.ask("/healthz")[0] == 200
        assert server.ask("/")[0] == 401
        assert server.ask("/api/plans", headers={"Authorization": "Bearer wrong-horse-battery"})[0] == 401
        assert server.ask("/api/plans", headers={"Authorization": f"Bearer {token}"})[0] == 200
        assert server.ask("/?token=wrong")[0] == 401
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as bare:
            asked = f"GET //evil.example/?token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            bare.sendall(asked.encode())
            assert b"location: /evil.example/" in bare.recv(4000)
        others = "theme@other=1; a,b=2; fleetcast-token=wrong"  # cookies know no ports
        assert server.ask("/api/plans", headers={"Cookie": others})[0] == 401
        assert server.ask("/api/plans", headers={"Cookie": f"{others}; fleetcast-token={token}"})[0] == 200


def test_listening_beyond_this_machine_needs_a_token() -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "serve", "--host", "0.0.0.0"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "FLEETCAST_TOKEN" in done.stderr


@pytest.mark.parametrize(("host", "why"), [("127.0.0.1", "another program has it"), ("192.0.2.1", "of this machine")])
def test_an_address_that_cannot_be_listened_on_is_said(host: str, why: str) -> None:
    """192.0.2.1 is nobody's: RFC 5737."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "main.py", "serve", "--port", port, "--host", host, "--open-to-all"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"port {port} cannot be listened on" in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_history_costs_no_answer_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_bytes(b"this is no database" * 100)
    with serving(tmp_path) as server:
        assert server.json("/api/forecast", SPEC)[0] == 200
        assert server.json("/api/plans") == (200, [])
        assert b"were not kept" in server.ask("/history")[1]
        assert server.process.stderr
        assert "h.db keeps no calculation" in server.process.stderr.readline()


def test_pages_are_packed_for_browsers_that_take_it(server: Server) -> None:
    address = "/answer?model=llama-3.1-8b&rps=5&input-tokens=500&output-tokens=200"
    _, plain, _ = server.ask(address)
    _, packed, headers = server.ask(address, headers={"Accept-Encoding": "gzip, deflate"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 4
