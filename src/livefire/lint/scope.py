"""Which events a rule lets through: the tests that hold for every row of a node, and the operations they leave."""

from __future__ import annotations

from livefire.lint.tests import Facts, Test
from livefire.lint.words import lets_through
from livefire.plan import nodes as n

ACTION = {"aws_cloudtrail": "event_name", "azure_activity": "operation", "gcp_audit": "method"}
ACTIONS = tuple(f"{table}.{column}" for table, column in ACTION.items())


def required(facts: Facts, plan: n.Plan) -> list[Test]:
    """Return the tests that every row of `plan` has passed, on the way from one scan; joins, unions and sequences begin anew."""
    by_clause: dict[int, list[Test]] = {}
    for test in facts.tests:
        if not test.alternative and isinstance(test.clause, n.Filter):
            by_clause.setdefault(id(test.clause), []).append(test)
    found: list[Test] = []
    node = plan
    while True:
        if isinstance(node, n.Filter):
            found = by_clause.get(id(node), []) + found
        if isinstance(node, (n.Scan, n.Values, n.Join, n.Union, n.Sequence)):
            return found
        node = node.input


def on_action(test: Test) -> bool:
    """True for a test of the field that names what was done."""
    return test.reads(*ACTIONS)


def named_actions(facts: Facts) -> dict[str, list[Test]]:
    """Return the operations that a rule asks for by name, each with the tests that name it."""
    found: dict[str, list[Test]] = {}
    for test in facts.tests:
        if on_action(test) and test.exact and not test.negated:
            for word in test.words:
                found.setdefault(word, []).append(test)
    return found


def asks_for(facts: Facts, *operations: str) -> list[Test]:
    """Return the tests, not negated, that let one of these operations through."""
    return [t for t in facts.tests if on_action(t) and not t.negated and any(lets_through(t, o) for o in operations)]


def field_tests(facts: Facts, *fields: str) -> list[Test]:
    """Return the tests of these `table.column` fields, or of what is inside them."""
    wanted = frozenset(fields)
    return [t for t in facts.tests if any(f"{o.table}.{o.column}" in wanted or f"{o.table}.{o.path}" in wanted for o in t.origins)]
