"""schemathesis against the API's own description: no 5xx, and every answer as it is described."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from tests.commands.serve.server import Server, serving

EXAMPLES = 10
"""For each endpoint."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("contract")) as running:
        yield running


def test_no_request_breaks_the_server_or_its_description(server: Server) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
    operations = [
        found.ok() for found in schemathesis.openapi.from_url(f"{server.url}/api/openapi.json").get_all_operations()
    ]
    assert len(operations) > 15
    for operation in operations:
        if operation.path == "/api/simulate":  # each takes a process of its own: test_api.py asks it
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def holds(case: Any) -> None:
            case.call_and_validate(checks=checks)

        holds()


def test_the_description_names_who_is_refused(server: Server) -> None:
    """A page of another site may delete nothing, and a probe needs no token."""
    paths = server.json("/api/openapi.json")[1]["paths"]
    assert "403" in paths["/api/plans/{number}"]["delete"]["responses"]
    assert "401" not in paths["/healthz"]["get"]["responses"]
