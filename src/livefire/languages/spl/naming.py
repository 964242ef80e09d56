"""Fields that are named by the value of another field."""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import not_null, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call

_MOST = 500


def lower_named(assignment: s.Assignment, value: Expr, frame: Frame, scope: Scope) -> Frame:
    """`eval {field}=value`: the value goes to the field that another field's value names."""
    source = text_of(only_of(scope.field(frame, assignment.name), "eval"))
    prefix, suffix = assignment.around or ("", "")
    asked = n.Project(frame.plan, (n.Item("name", source),))
    present = n.Distinct(n.Filter(asked, not_null(n.column(asked, "name"))))
    rows = scope.look(present, assignment.span, "the fields that eval makes", "name the field")
    if rows is None:
        return replace(frame, wild=True, closed=None)
    if len(rows) > _MOST:
        scope.refuse("E305", f"the field {assignment.name.text!r} has more than {_MOST} values", assignment.span)
    items = []
    for (name,) in sorted(rows):
        target = f"{prefix}{name}{suffix}"
        here = call("compare.eq", source, e.text(name))
        before: Expr = e.null(value.type)
        if frame.has(target):
            old = frame.column(target)
            before = old if old.type is value.type else text_of(old)
        fresh = value if before.type is value.type else text_of(value)
        items.append(n.Item(target, Case(((here, fresh),), before, fresh.type)))
    return frame.extended(*items, span=assignment.span) if items else frame
