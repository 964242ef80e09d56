"""Readers that others wrote take what translations print."""

from __future__ import annotations

import pytest

from tests.kusto.agreement import bound_errors, present
from tests.translation.judges import eql_errors, has_python_eql
from tests.translation.rules import sigma, turned
from tests.translation.test_traps import TRAPS

pytestmark = pytest.mark.slow
PLAIN = (
    sigma("s:\n  eventName|startswith: Run\n  userAgent|re: 'a/b\\.c'\ncondition: s"),
    sigma("s:\n  eventName: [A, 'B\"C']\nf:\n  errorCode|contains: 'x\\y'\ncondition: s and not f"),
)


def printed(target: str) -> list[str]:
    """Return every text that the traps and two plain rules come to in a language."""
    texts = [turned(t.rule, t.language, target).text for t in TRAPS if t.target == target and not t.code]
    return [*texts, *(turned(rule, "sigma", target).text for rule in PLAIN)]


@pytest.mark.skipif(not present(), reason="node or Microsoft's parser is not there; `make test-all` installs the latter where npm is")
def test_microsofts_binder_takes_every_kql_text() -> None:
    texts = printed("kql")
    assert len(texts) > 15
    assert [(t, said) for t, said in zip(texts, bound_errors(texts), strict=True) if said] == []


@pytest.mark.skipif(not has_python_eql(), reason="python-eql is not installed: the project itself does not need it")
def test_python_eql_takes_every_eql_text() -> None:
    texts = printed("eql")
    assert [(t, said) for t, said in zip(texts, eql_errors(texts), strict=True) if said] == []
