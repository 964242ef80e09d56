"""DuckDB's spelling of the meanings over series of numbers."""

from __future__ import annotations

from livefire.engines.duckdb_sql.arrays import array_of, elements
from livefire.engines.duckdb_sql.formats import put
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e
from livefire.schema import Type

Call = e.Call | e.Aggregate | e.WindowCall


def numbers(value: str) -> str:
    """Return the elements of an array as a list of doubles, null for what is no number."""
    return f"list_transform({elements(value)}, LAMBDA v: TRY_CAST(v AS DOUBLE))"


def shown(value: str) -> str:
    """Return a double as JSON text; JSON has no word for what is not finite, so that is a text."""
    return (
        f"(CASE WHEN {value} IS NULL THEN 'null' WHEN isnan({value}) THEN '\"NaN\"' WHEN isinf({value}) THEN"
        f" CASE WHEN {value} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END ELSE CAST(to_json({value}) AS VARCHAR) END)"
    )


def series_of(listed: str) -> str:
    """Return a list of doubles as a JSON array."""
    return array_of(f"list_transform({listed}, LAMBDA d: {shown('d')})")


def _lambda(call: Call, place: int) -> e.Lambda:
    change = call.args[place]
    if not isinstance(change, e.Lambda):
        raise ValueError(f"{call.function} takes a one-line function")
    return change


def _body(printer: Printer, change: e.Lambda) -> str:
    text = printer.expr(change.body)
    if change.body.type is Type.BOOL or change.body.type.integral:
        return f"COALESCE(CAST(to_json({text}) AS VARCHAR), 'null')"
    return shown(f"CAST({text} AS DOUBLE)")


def _map(printer: Printer, call: Call) -> str:
    change, value = _lambda(call, 1), printer.expr(call.args[0])
    x = printer.name(change.parameters[0].name)
    listed = f"list_transform({numbers(value)}, LAMBDA {x}: CASE WHEN {x} IS NULL THEN 'null' ELSE {_body(printer, change)} END)"
    return f"(CASE WHEN json_type({value}) = 'ARRAY' THEN {array_of(listed)} END)"


def _pair(printer: Printer, call: Call) -> str:
    change = _lambda(call, 2)
    x, y = (printer.name(p.name) for p in change.parameters)
    sides = [printer.expr(a) for a in call.args[:2]]
    lists = [a.type is Type.DYNAMIC for a in call.args[:2]]
    values = [numbers(s) if many else f"CAST({s} AS DOUBLE)" for s, many in zip(sides, lists, strict=True)]
    sizes = [f"COALESCE(len(p{i}), 0)" for i, many in enumerate(lists) if many] or ["1"]
    at = [f"p{i}[i]" if many else f"p{i}" for i, many in enumerate(lists)]
    # Lambda parameters are bound to the two numbers through lists of one element.
    one = (
        f"list_transform([{at[0]}], LAMBDA {x}: list_transform([{at[1]}], LAMBDA {y}: CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL THEN"
        f" {_body(printer, change)} ELSE 'null' END)[1])[1]"
    )
    text = array_of(f"list_transform(range(1, {' + 0, '.join(['greatest(' + ', '.join(sizes) + ')'])} + 1), LAMBDA i: {one})")
    for i in (1, 0):
        text = printer.dialect.let(f"p{i}", values[i], text)
    known = " AND ".join(f"json_type({s}) = 'ARRAY'" if many else f"{s} IS NOT NULL" for s, many in zip(sides, lists, strict=True))
    return f"(CASE WHEN {known} THEN {text} END)"


def _over(listed: Spelling | str, *, arrays: int = 1) -> Spelling:
    """Return a spelling whose template names the number lists of its first arguments n0, n1 … and is null unless they are arrays."""

    def spell(printer: Printer, call: Call) -> str:
        args = [printer.expr(a) for a in call.args]
        assert isinstance(listed, str)
        text = put(listed, args)
        for place in reversed(range(arrays)):
            text = printer.dialect.let(f"n{place}", numbers(args[place]), text)
        known = " AND ".join(f"json_type({a}) = 'ARRAY'" for a in args[:arrays])
        return f"(CASE WHEN {known} THEN {text} END)"

    return spell


def _object(**members: str) -> str:
    pairs = " || ',".join(f'"{name}":\' || {text}' for name, text in members.items())
    return f"'{{{pairs} || '}}'"


def _whole(text: str) -> str:
    return f"COALESCE(CAST({text} AS VARCHAR), 'null')"


_KEPT = "list_filter(n0, LAMBDA x: x IS NOT NULL)"
_STATS = _object(
    min=shown("list_min(n0)"),
    min_idx=_whole("list_position(n0, list_min(n0)) - 1"),
    max=shown("list_max(n0)"),
    max_idx=_whole("list_position(n0, list_max(n0)) - 1"),
    avg=shown("list_avg(n0)"),
    stdev=shown(f"(CASE WHEN len({_KEPT}) > 1 THEN list_stddev_samp(n0) WHEN len({_KEPT}) = 1 THEN 0.0::DOUBLE END)"),
    variance=shown(f"(CASE WHEN len({_KEPT}) > 1 THEN list_var_samp(n0) WHEN len({_KEPT}) = 1 THEN 0.0::DOUBLE END)"),
    sum=shown("list_sum(n0)"),
    len="CAST(len(n0) AS VARCHAR)",
)


def _fill(body: str) -> Spelling:
    """Return a spelling over the JSON elements l and the places whose element is missing, told by hole(i)."""

    def spell(printer: Printer, call: Call) -> str:
        args = [printer.expr(a) for a in call.args]
        # The value that marks a hole stands second, or third for a constant filling.
        mark = args[2] if call.function == "series.fill_const" else args[1]
        same = "COALESCE(l[{}] = 'null' AND m IS NULL OR l[{}] = m OR TRY_CAST(l[{}] AS DOUBLE) = TRY_CAST(m AS DOUBLE), FALSE)"
        text = body.replace("$HOLE_I", same.format("i", "i", "i")).replace("$HOLE_J", same.format("j", "j", "j"))
        text = put(text, args)
        text = printer.dialect.let("l", elements(args[0]), printer.dialect.let("m", mark, text))
        return f"(CASE WHEN json_type({args[0]}) = 'ARRAY' THEN {text} END)"

    return spell


_PLACES = "range(1, len(l) + 1)"
_BEFORE = "list_max(list_filter(range(1, i), LAMBDA j: NOT $HOLE_J))"
_AFTER = "list_min(list_filter(range(i + 1, len(l) + 1), LAMBDA j: NOT $HOLE_J))"
_LINEAR = (
    "(CASE WHEN NOT $HOLE_I THEN "
    + shown("TRY_CAST(l[i] AS DOUBLE)")
    + " ELSE list_transform([struct_pack(a := "
    + _BEFORE
    + ", b := "
    + _AFTER
    + ")], LAMBDA s:"
    " CASE WHEN s.a IS NOT NULL AND s.b IS NOT NULL THEN "
    + shown("(TRY_CAST(l[s.a] AS DOUBLE) + (TRY_CAST(l[s.b] AS DOUBLE) - TRY_CAST(l[s.a] AS DOUBLE)) * (i - s.a) / (s.b - s.a))")
    + " WHEN s.a IS NULL AND s.b IS NULL THEN "
    + shown("CAST($3 AS DOUBLE)")
    + " WHEN $2 THEN "
    + shown("TRY_CAST(l[COALESCE(s.a, s.b)] AS DOUBLE)")
    + " ELSE l[i] END)[1] END)"
)

# The filter's taps run back from the place; centred, half of them lie ahead.
_FIR = (
    "list_transform(range(1, len(n0) + 1), LAMBDA i: list_sum(list_transform(range(1, len(n1) + 1), LAMBDA j:"
    " COALESCE(n0[CASE WHEN i - j + 1 + o BETWEEN 1 AND len(n0) THEN i - j + 1 + o END], 0) * n1[j])) / d)"
)


def _fir(printer: Printer, call: Call) -> str:
    args = [printer.expr(a) for a in call.args]
    text = printer.dialect.let("o", f"(CASE WHEN {args[3]} THEN len(n1) // 2 ELSE 0 END)", series_of(_FIR))
    text = printer.dialect.let("d", f"(CASE WHEN {args[2]} THEN list_sum(n1) ELSE 1 END)", text)
    return f"(CASE WHEN json_type({args[0]}) = 'ARRAY' AND json_type({args[1]}) = 'ARRAY' THEN {_bound(printer, args[:2], text)} END)"


def _bound(printer: Printer, args: list[str], text: str) -> str:
    for place in reversed(range(len(args))):
        text = printer.dialect.let(f"n{place}", numbers(args[place]), text)
    return text


_IIR = (
    "list_reduce(list_prepend(CAST([] AS DOUBLE[]), list_transform(range(1, len(n0) + 1), LAMBDA i: [CAST(i AS DOUBLE)])), LAMBDA a, x: list_append(a,"
    " (COALESCE(list_sum(list_transform(range(1, len(n1) + 1), LAMBDA j: CASE WHEN x[1] - j + 1 >= 1 THEN n1[j] * n0[CAST(x[1] AS BIGINT) - j + 1]"
    " ELSE 0 END)), 0)"
    " - COALESCE(list_sum(list_transform(range(2, len(n2) + 1), LAMBDA j: CASE WHEN x[1] - j + 1 >= 1 THEN n2[j] * a[CAST(x[1] AS BIGINT) - j + 1]"
    " ELSE 0 END)), 0)) / n2[1]))"
)

_SLOPE = "((s.n * s.xy - s.x * s.y) / NULLIF(s.n * s.xx - s.x * s.x, 0))"
_SUMS = (
    "struct_pack(n := CAST(len(n0) AS DOUBLE), x := list_sum(list_transform(range(len(n0)), LAMBDA i: CAST(i AS DOUBLE))), y := list_sum(n0),"
    " xx := list_sum(list_transform(range(len(n0)), LAMBDA i: CAST(i * i AS DOUBLE))),"
    " xy := list_sum(list_transform(range(len(n0)), LAMBDA i: CAST(i AS DOUBLE) * n0[i + 1])))"
)
_FITTED = "list_transform(range(len(n0)), LAMBDA i: f.b + f.m * i)"
_RESIDUAL = "list_transform(range(len(n0)), LAMBDA i: n0[i + 1] - f.b - f.m * i)"
_LINE = (
    f"list_transform([{_SUMS}], LAMBDA s: list_transform([struct_pack(m := {_SLOPE}, b := (s.y - {_SLOPE} * s.x) / s.n)], LAMBDA f: "
    + _object(
        rsquare=shown(
            f"(1 - list_sum(list_transform({_RESIDUAL}, LAMBDA r: r * r)) / NULLIF(list_sum(list_transform(n0, LAMBDA v: (v - s.y / s.n) * (v - s.y /"
            f" s.n))), 0))"
        ),
        slope=shown("f.m"),
        variance=shown("list_var_samp(n0)"),
        rvariance=shown(f"list_var_samp({_RESIDUAL})"),
        interception=shown("f.b"),
        line_fit=series_of(_FITTED),
    )
    + ")[1])[1]"
)


def _turn(function: str) -> str:
    return f"{function}(2 * pi() * CAST((k * t) % len(n0) AS DOUBLE) / len(n0))"


def _fft(printer: Printer, call: Call) -> str:
    args = [printer.expr(a) for a in call.args]
    sign = f"(CASE WHEN {args[2]} THEN 1 ELSE -1 END)"
    scale = f"(CASE WHEN {args[2]} THEN len(n0) ELSE 1 END)"

    def part(mine: str, other: str, cross: str) -> str:
        term = f"{mine}[t + 1] * {_turn('cos')} {cross} {sign} * COALESCE({other}[t + 1], 0) * {_turn('sin')}"
        return f"list_transform(range(len(n0)), LAMBDA k: list_sum(list_transform(range(len(n0)), LAMBDA t: {term})) / {scale})"

    tidy = "list_transform({}, LAMBDA w: CASE WHEN abs(w) < 1e-12 THEN 0.0::DOUBLE ELSE w END)"
    real, imag = part("n0", "n1", "-"), part("COALESCE(n1, [])", "n0", "+").replace("COALESCE(n1, [])[t + 1]", "COALESCE(n1[t + 1], 0)")
    text = _object(real=series_of(tidy.format(real)), imag=series_of(tidy.format(imag)))
    return f"(CASE WHEN json_type({args[0]}) = 'ARRAY' THEN {_bound(printer, args[:2], text)} END)"


def _quantile(share: float) -> str:
    """Return a percentile of the sorted numbers with the fraction between neighbours."""
    place = f"({share!r} * (len(o) - 1))"
    return (
        f"(o[CAST(floor({place}) AS BIGINT) + 1] + (o[CAST(ceil({place}) AS BIGINT) + 1] - o[CAST(floor({place}) AS BIGINT) + 1]) * ({place} - floor({place})))"
    )


# What Kusto multiplies with when the fence is that of the 10th and 90th percentiles.
_FENCE = 2.7726056055079158


def _outliers(printer: Printer, call: Call) -> str:
    array, ignored = (printer.expr(a) for a in call.args)
    beyond = (
        f"list_transform(n0, LAMBDA v: CASE WHEN v > q.b THEN (v - q.b) / NULLIF(q.b - q.a, 0) * {_FENCE!r}"
        f" WHEN v < q.a THEN (v - q.a) / NULLIF(q.b - q.a, 0) * {_FENCE!r} WHEN v IS NOT NULL THEN 0.0::DOUBLE END)"
    )
    text = printer.dialect.let("q", f"struct_pack(a := {_quantile(0.1)}, b := {_quantile(0.9)})", series_of(beyond))
    text = printer.dialect.let("o", f"list_sort(list_filter(n0, LAMBDA x: x IS NOT NULL AND ({ignored} IS NULL OR x <> {ignored})))", text)
    return f"(CASE WHEN json_type({array}) = 'ARRAY' THEN {_bound(printer, [array], text)} END)"


def _decompose(printer: Printer, call: Call) -> str:
    array, turn, _, last = (printer.expr(a) for a in call.args)
    kind, period = call.args[2], "t"
    if not isinstance(kind, e.Literal) or kind.value not in ("avg", "linefit", "none"):
        raise ValueError("the kind of trend must be one of avg, linefit, none")
    learnt = f"list_filter(n0, LAMBDA v, j: j <= len(n0) - {last})"
    phase = f"list_filter({learnt}, LAMBDA v, j: (j - 1) % {period} = i % {period})"
    seasonal = f"list_transform(range(len(n0)), LAMBDA i: CASE WHEN {period} > 0 THEN CAST(list_median({phase}) AS DOUBLE) ELSE 0.0::DOUBLE END)"
    left = f"list_filter(list_transform(range(1, len(n0) + 1), LAMBDA i: n0[i] - z[i]), LAMBDA v, j: j <= len(n0) - {last})"
    slope = "((g.n * g.xy - g.x * g.y) / NULLIF(g.n * g.xx - g.x * g.x, 0))"
    level = f"((g.y - {slope} * g.x) / g.n)"
    sums = (
        "struct_pack(n := CAST(len(w) AS DOUBLE), x := list_sum(list_transform(range(len(w)), LAMBDA i: CAST(i AS DOUBLE))), y := list_sum(w),"
        " xx := list_sum(list_transform(range(len(w)), LAMBDA i: CAST(i * i AS DOUBLE))),"
        " xy := list_sum(list_transform(range(len(w)), LAMBDA i: CAST(i AS DOUBLE) * w[i + 1])))"
    )
    at = {"avg": "g.y / g.n", "linefit": f"({level} + {slope} * i)", "none": "0.0::DOUBLE"}[str(kind.value)]
    members = {
        "baseline": "list_transform(range(len(n0)), LAMBDA i: r[i + 1] + z[i + 1])", "seasonal": "z", "trend": "r",
        "residual": "list_transform(range(len(n0)), LAMBDA i: n0[i + 1] - (r[i + 1] + z[i + 1]))",
    }  # fmt: skip
    text = _object(**{name: series_of(value) for name, value in members.items()})
    text = printer.dialect.let("r", f"list_transform(range(len(n0)), LAMBDA i: {at})", text)
    text = printer.dialect.let("g", sums, text)
    text = printer.dialect.let("w", left, text)
    text = printer.dialect.let("z", seasonal, text)
    text = printer.dialect.let("t", turn, text)
    return f"(CASE WHEN json_type({array}) = 'ARRAY' THEN {_bound(printer, [array], text)} END)"


# A lag whose correlation is higher than that of its neighbours; the list of correlations begins with lag 0.
_PEAKS = "list_filter(range(4, len(w) // 2), LAMBDA p: c[p + 1] > c[p] AND c[p + 1] >= c[p + 2])"
_UNCLEAR = "stopped: a series whose period is not clear, and how Kusto finds it is not published; write the period as a number of bins"


def _period(printer: Printer, call: Call) -> str:
    """Tell a clear period from none; the correlation at a lag is the mean product over the mean square, less the line."""
    array, threshold = (printer.expr(a) for a in call.args)
    mean = "list_transform(n0, LAMBDA x: COALESCE(x, list_avg(n0)))"
    sums = (
        "struct_pack(n := CAST(len(w) AS DOUBLE), x := (len(w) - 1) / 2, y := list_avg(w), xx := (len(w) * len(w) - 1) / 12,"
        " xy := list_avg(list_transform(w, LAMBDA v, i: v * (i - 1))))"
    )
    line = "list_transform(w, LAMBDA v, i: v - g.y - (g.xy - g.x * g.y) / NULLIF(g.xx, 0) * (i - 1 - g.x))"
    product = "list_inner_product(list_slice(z, 1, len(z) - p), list_slice(z, p + 1, len(z))) / (len(z) - p)"
    correlation = f"list_transform(range(len(w) // 2 + 1), LAMBDA p: CASE WHEN p > 2 AND q > 1e-9 THEN {product} / q END)"
    chosen = "list_min(list_filter(k, LAMBDA p: c[p + 1] >= list_max(list_transform(k, LAMBDA u: c[u + 1])) - 0.1))"
    rivals = "list_filter(k, LAMBDA p: p % m <> 0 AND c[p + 1] > c[m + 1] - 0.2)"
    highest = "list_max(list_transform(k, LAMBDA u: c[u + 1]))"
    text = (
        f"(CASE WHEN m IS NULL OR {highest} < {threshold} - 0.25 THEN 0"
        f" WHEN c[m + 1] >= {threshold} + 0.1 AND len({rivals}) = 0 THEN m ELSE CAST(error('{_UNCLEAR}') AS BIGINT) END)"
    )
    for name, value in (
        ("m", chosen), ("k", _PEAKS), ("c", correlation), ("q", "list_inner_product(z, z) / len(z)"), ("z", line), ("g", sums), ("w", mean),
    ):  # fmt: skip
        text = printer.dialect.let(name, value, text)
    return f"(CASE WHEN json_type({array}) = 'ARRAY' THEN CASE WHEN json_array_length({array}) < 8 THEN 0 ELSE {_bound(printer, [array], text)} END END)"


def _two_lines(printer: Printer, call: Call) -> str:
    """Try every split with at least two numbers on each side, and keep the one with the least residue."""
    array = printer.expr(call.args[0])

    def line(low: str, high: str) -> str:
        listed = f"list_slice(n0, {low} + 1, {high})"
        places = f"list_transform(range({low}, {high}), LAMBDA i: CAST(i AS DOUBLE))"
        return f"struct_pack(v := {listed}, x := {places})"

    sums = (
        "struct_pack(n := CAST(len(h.v) AS DOUBLE), x := list_sum(h.x), y := list_sum(h.v), xx := list_sum(list_transform(h.x, LAMBDA u: u * u)),"
        " xy := list_sum(list_transform(h.x, LAMBDA u, j: u * h.v[j])), v := h.v, p := h.x)"
    )
    slope = "((k.n * k.xy - k.x * k.y) / NULLIF(k.n * k.xx - k.x * k.x, 0))"
    fit = f"struct_pack(m := {slope}, b := (k.y - {slope} * k.x) / k.n, v := k.v, p := k.p, mean := k.y / k.n)"
    residue = "list_transform(f.v, LAMBDA u, j: u - f.b - f.m * f.p[j])"
    measured = (
        f"struct_pack(m := f.m, b := f.b, fit := list_transform(f.p, LAMBDA u: f.b + f.m * u), res := {residue}, sse :="
        f" list_sum(list_transform({residue}, LAMBDA u: u * u)),"
        " sst := list_sum(list_transform(f.v, LAMBDA u: (u - f.mean) * (u - f.mean))), var := list_var_samp(f.v))"
    )

    def fitted(low: str, high: str) -> str:
        text = printer.dialect.let("f", fit, measured)
        text = printer.dialect.let("k", sums, text)
        return printer.dialect.let("h", line(low, high), text)

    tried = f"list_transform(range(2, len(n0) - 1), LAMBDA s: struct_pack(s := s, a := {fitted('0', 's')}, c := {fitted('s', 'len(n0)')}))"
    best = "list_sort(list_transform(tries, LAMBDA q: struct_pack(e := q.a.sse + q.c.sse, q := q)))[1].q"
    total = "list_sum(list_transform(n0, LAMBDA u: (u - list_avg(n0)) * (u - list_avg(n0))))"

    def side(prefix: str, name: str) -> dict[str, str]:
        return {
            f"{prefix}rsquare": shown(f"(1 - {name}.sse / NULLIF({name}.sst, 0))"), f"{prefix}slope": shown(f"{name}.m"),
            f"{prefix}interception": shown(f"{name}.b"), f"{prefix}variance": shown(f"{name}.var"),
            f"{prefix}rvariance": shown(f"list_var_samp({name}.res)"),
        }  # fmt: skip

    text = _object(
        rsquare=shown(f"(1 - (best.a.sse + best.c.sse) / NULLIF({total}, 0))"),
        split_idx="CAST(best.s AS VARCHAR)",
        variance=shown("list_var_samp(n0)"),
        rvariance=shown("list_var_samp(best.a.res || best.c.res)"),
        line_fit=series_of("(best.a.fit || best.c.fit)"),
        **side("right_", "best.c"),
        **side("left_", "best.a"),
    )
    text = printer.dialect.let("best", best, text)
    text = printer.dialect.let("tries", tried, text)
    return f"(CASE WHEN json_array_length({array}) > 3 THEN {_bound(printer, [array], text)} END)"


FUNCTIONS: dict[str, Spelling] = {
    "series.map": _map,
    "series.pair": _pair,
    "series.stats": _over(_STATS),
    "series.product": _over("(CASE WHEN list_contains(list_transform(n0, LAMBDA x: x IS NULL), TRUE) THEN NULL ELSE list_product(n0) END)"),
    "series.fill_const": _fill(array_of(f"list_transform({_PLACES}, LAMBDA i: CASE WHEN $HOLE_I THEN COALESCE($1, 'null') ELSE l[i] END)")),
    "series.fill_forward": _fill(
        array_of(f"list_transform({_PLACES}, LAMBDA i: CASE WHEN $HOLE_I THEN COALESCE(l[{_BEFORE}], l[i]) ELSE l[i] END)")
    ),
    "series.fill_backward": _fill(
        array_of(f"list_transform({_PLACES}, LAMBDA i: CASE WHEN $HOLE_I THEN COALESCE(l[{_AFTER}], l[i]) ELSE l[i] END)")
    ),
    "series.fill_linear": _fill(array_of(f"list_transform({_PLACES}, LAMBDA i: {_LINEAR})")),
    "series.fir": _fir,
    "series.iir": _over(series_of(_IIR), arrays=3),
    "series.fit_line": _over(_LINE),
    "series.fft": _fft,
    "series.phase_median": _over(
        series_of("list_transform(range(len(n0)), LAMBDA i: list_median(list_filter(n0, LAMBDA v, j: (j - 1) % $1 = i % $1)))")
    ),
    "series.correlation": _over(
        "list_transform([struct_pack(a := list_avg(n0), b := list_avg(n1))], LAMBDA s:"
        " list_sum(list_transform(range(1, len(n0) + 1), LAMBDA i: (n0[i] - s.a) * (n1[i] - s.b)))"
        " / NULLIF(sqrt(list_sum(list_transform(n0, LAMBDA x: (x - s.a) * (x - s.a))) * list_sum(list_transform(n1, LAMBDA x: (x - s.b) * (x -"
        " s.b)))), 0))[1]",
        arrays=2,
    ),
    "series.outliers": _outliers,
    "series.decompose": _decompose,
    "series.period": _period,
    "series.fit_2lines": _two_lines,
}  # fmt: skip
