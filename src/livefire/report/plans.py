"""A plan as readable pipes, one node a line, inputs above what reads them."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.report.safe import safe_text
from livefire.schema import Type


def as_text(plan: n.Plan, indent: int = 0) -> str:
    """Return the plan as pipes; branches of joins and unions are indented."""
    return safe_text("\n".join(_lines(plan, indent)), lines=True)


def _lines(plan: n.Plan, depth: int) -> list[str]:
    pad = "  " * depth
    match plan:
        case n.Scan(table=table):
            return [f"{pad}scan {table}"]
        case n.Values(schema=schema, rows=rows):
            return [f"{pad}values {len(rows)} row(s) ({', '.join(schema.names)})"]
        case n.Join(left=left, right=right, kind=kind, on=on):
            return [*_lines(left, depth), f"{pad}| {kind} join on {shown(on)} with (", *_lines(right, depth + 1), f"{pad}  )"]
        case n.Union(inputs=parts):
            body = [line for p in parts for line in (f"{pad}  (", *_lines(p, depth + 2), f"{pad}  )")]
            return [f"{pad}union", *body]
        case n.Sequence(steps=steps):
            body = [
                line
                for i, s in enumerate(steps)
                for line in (f"{pad}  step {i}{' (missing)' if s.missing else ''} (", *_lines(s.input, depth + 2), f"{pad}  )")
            ]
            return [f"{pad}sequence", *body]
        case _:
            return [*_lines(plan.input, depth), f"{pad}| {_describe(plan)}"]


def _describe(plan: n.Plan) -> str:
    match plan:
        case n.Filter(predicate=p):
            return f"filter {shown(p)}"
        case n.Project(items=items):
            return f"project {_items(items)}"
        case n.Aggregate(keys=keys, items=items):
            return f"aggregate {_items(items) or 'nothing'} by {_items(keys) or 'all'}"
        case n.Sort(keys=keys):
            return "sort " + ", ".join(f"{shown(k.expr)} {'desc' if k.descending else 'asc'}" for k in keys)
        case n.Limit(count=count, offset=offset):
            return f"limit {count}" + (f" after {offset}" if offset else "")
        case n.Distinct():
            return "distinct"
        case n.Unnest(expr=x, name=name):
            return f"unnest {name} = {shown(x)}"
        case n.Window(items=items):
            return f"window {_items(items)}"
        case n.Recurrence(keys=keys, carried=carried):
            by = f" by {', '.join(k.name for k in keys)}" if keys else ""
            return f"recurrence {', '.join(f'{c.name} = {shown(c.expr)}' for c in carried)}{by}"
        case _:
            return type(plan).__name__.lower()


def _items(items: tuple[n.Item, ...]) -> str:
    parts = (i.name if isinstance(i.expr, e.Column) and i.expr.name == i.name else f"{i.name} = {shown(i.expr)}" for i in items)
    return ", ".join(parts)


def shown(expr: e.Expr) -> str:
    """Return an expression as text: meanings as calls, columns by name."""
    match expr:
        case e.Column(name=name):
            return name
        case e.Literal(value=value, type=kind):
            return f"{value / 10_000_000:g}s" if kind is Type.TIMESPAN and isinstance(value, int) else repr(value)
        case e.Parameter(name=name):
            return f"${name}"
        case e.Path(base=base, steps=steps):
            return shown(base) + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
        case e.Case(whens=whens, otherwise=otherwise):
            return "case(" + ", ".join(f"{shown(c)} → {shown(v)}" for c, v in whens) + f", else {shown(otherwise)})"
        case e.Lambda(parameters=parameters, body=body):
            return f"({', '.join(p.name for p in parameters)} → {shown(body)})"
        case e.ScalarQuery():
            return "(query)"
        case e.InQuery(needle=needle):
            return f"{shown(needle)} in (query)"
        case e.Aggregate() | e.WindowCall() | e.Call():
            return f"{expr.function}({', '.join(shown(a) for a in expr.args)})"
