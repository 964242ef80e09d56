"""The JSON interface under requests made from its own document: whatever is asked, no answer is a fault of the server, and each is of the type named."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from livefire.web.case_interface import ENDPOINTS as OF_CASES
from livefire.web.interface import ENDPOINTS
from livefire.web.jobs import Job
from tests.cli.logs import record
from tests.web.site import ORIGIN, of, signed_in, with_alerts

pytestmark = pytest.mark.slow  # some hundreds of requests, each with its query
EVENT = "11111111-0000-0000-0000-000000000001"
# Names that are there: what chance alone would never hit.
THERE = (
    "T1578.002/instance-created",
    "T1578.002/instance-created/sentinel.kql",
    "T1578.002/aws-run-instances",
    "T1578.002",
    "kql",
    "1",
    EVENT,
    "aws_cloudtrail",
)
ANSWERED = {200, 400, 403, 404, 413, 415, 422}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The owner's browser over a lake with three alerts; long work is accepted and not done, for only the answer is looked at."""
    made = of(with_alerts(tmp_path_factory.mktemp("lake"), [record(n) for n in (1, 2, 3)]))

    def begin(title: str, _work: Any, owner: str = "", *, key: str = "") -> Job:
        return Job(f"{key or 'job'}-1", title, owner, "done")

    setattr(made.jobs, "begin", begin)  # noqa: B010 - a stand-in, which an assignment's types would refuse
    return signed_in(made)


@pytest.fixture(scope="module")
def operations(browser: TestClient) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        import schemathesis
    schema = schemathesis.openapi.from_dict(browser.get("/api/v1/openapi.json").json())
    read: list[Any] = [found.ok() for found in schema.get_all_operations() if hasattr(found, "ok")]
    return {one.definition.raw["operationId"]: one for one in read}


@pytest.mark.parametrize("name", [e.name for e in (*ENDPOINTS, *OF_CASES)])
def test_no_request_is_a_fault(browser: TestClient, operations: dict[str, Any], name: str) -> None:
    alerts = browser.get("/api/v1/alerts").json()["items"]
    there = (*THERE, *(a["fingerprint"] for a in alerts))
    seen: set[int] = set()

    @settings(max_examples=20, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operations[name].as_strategy(), known=st.none() | st.sampled_from(there))
    def ask(case: Any, known: str | None) -> None:
        if known is not None and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, known)
        answer = browser.request(
            case.method,
            case.formatted_path,
            params={k: str(v) for k, v in (case.query or {}).items()},
            json=case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else {} if case.method.upper() == "POST" else None,
            headers={"origin": ORIGIN},
        )
        seen.add(answer.status_code)
        assert answer.status_code in ANSWERED, (answer.status_code, answer.text[:300])
        if answer.status_code == 200:
            operations[name].validate_response(answer)  # the type that the document names for it
        else:
            assert set(answer.json()) == {"code", "message", "diagnostics"}

    ask()
    assert seen


def test_what_is_not_yours_is_said_in_the_same_words(tmp_path: Path) -> None:
    """The gate answers before the interface does, in the shape that the document promises."""
    made = of(with_alerts(tmp_path, [record(1)]))
    nobody = signed_in(made)
    nobody.cookies.clear()
    answer = nobody.get("/api/v1/alerts")
    assert (answer.status_code, set(answer.json())) == (401, {"code", "message", "diagnostics"})
