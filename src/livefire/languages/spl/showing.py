"""The columns of a search as a reader sees them."""

from __future__ import annotations

from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.values import number_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import Type


def shown(frame: Frame) -> n.Plan:
    """Return the plan whose columns a reader sees: `_time` a datetime, other moments as seconds, a single value plain."""
    return n.Project(frame.plan, tuple(n.Item(x, _shown(x, frame.column(x))) for x in frame.names))


def _shown(name: str, x: Expr) -> Expr:
    if x.type is Type.DATETIME and name != TIME:
        return number_of(x)
    if x.type is Type.DYNAMIC:
        single = call("compare.eq", call("dynamic.length", x), e.whole(1))
        return Case(((single, e.Path(x, (0,))),), x, Type.DYNAMIC)
    return x
