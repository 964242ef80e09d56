"""The JSON interface under requests made from its own document: whatever is asked, no answer is a fault of the server."""

from __future__ import annotations

from typing import Any

import pytest

from livefire.web.interface import ENDPOINTS
from tests.web.site import ORIGIN, desk, signed_in

pytestmark = pytest.mark.slow  # thousands of requests


@pytest.mark.parametrize("name", [e.name for e in ENDPOINTS])
def test_no_request_is_a_fault(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    from tests.web.site import lake

    browser = signed_in(desk(lake(tmp_path_factory.mktemp("lake"))))
    schema = schemathesis.openapi.from_dict(browser.get("/api/v1/openapi.json").json())
    operation = schema.get_operation_by_id(name) if hasattr(schema, "get_operation_by_id") else schema.find_operation_by_id(name)
    seen: set[int] = set()

    @settings(max_examples=15, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        path = case.formatted_path
        answer = browser.request(
            case.method,
            path if path.startswith("/") else f"/{path}",
            params={k: v for k, v in (case.query or {}).items() if isinstance(v, (str, int, float))},
            json=case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else {} if case.method.upper() == "POST" else None,
            headers={"origin": ORIGIN},
        )
        seen.add(answer.status_code)
        assert answer.status_code < 500 or answer.json()["code"] == "E758", (answer.status_code, answer.text)

    ask()
    assert seen
