"""Functions over series of numbers. https://learn.microsoft.com/kusto/query/scalar-functions#series-processing-functions"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Columns, Scalar, Site
from livefire.languages.kql.naming import default_name
from livefire.plan import expr as e
from livefire.plan.functions import call, negate
from livefire.schema import Type

_X, _Y = e.Column("x\x02", Type.REAL), e.Column("y\x02", Type.REAL)


def each(body: Callable[[e.Expr], e.Expr]) -> Scalar:
    """Return the function that gives the value of a one-line function for each number of its array."""
    return Scalar(lambda s: s.call("series.map", s.dynamic(0), e.Lambda((_X,), body(_X))), 1, 1)


def real(meaning: str) -> Scalar:
    """Return the function that applies a meaning to each number of its array."""
    return each(lambda x: call(meaning, x, type=Type.REAL))


def _side(site: Site, place: int) -> e.Expr:
    value = site.args[place]
    return coerce.to_real(value) if value.type.numeric else site.dynamic(place)


def pairs(meaning: str, type: Type = Type.REAL) -> Scalar:
    """Return the function that applies a meaning to the numbers of two arrays, or of an array and one number."""
    return Scalar(lambda s: s.call("series.pair", _side(s, 0), _side(s, 1), e.Lambda((_X, _Y), call(meaning, _X, _Y, type=type))), 2, 2)


def _unequal(site: Site) -> e.Expr:
    return site.call("series.pair", _side(site, 0), _side(site, 1), e.Lambda((_X, _Y), negate(call("compare.eq", _X, _Y))))


def _sign(value: e.Expr) -> e.Expr:
    zero = e.Literal(0.0, Type.REAL)
    positive, negative = call("compare.gt", value, zero), call("compare.lt", value, zero)
    return e.Case(((positive, e.Literal(1.0, Type.REAL)), (negative, e.Literal(-1.0, Type.REAL))), zero, Type.REAL)


def _member(bag: e.Expr, name: str, type: Type) -> e.Expr:
    return coerce.to_type(e.Path(bag, (name,)), type)


def _product_sum(site: Site) -> e.Expr:
    products = call("series.pair", _side(site, 0), _side(site, 1), e.Lambda((_X, _Y), call("number.multiply", _X, _Y, type=Type.REAL)))
    return site.call("array.sum", products)


def _magnitude(series: e.Expr) -> e.Expr:
    return call("number.sqrt", call("array.sum", call("series.map", series, e.Lambda((_X,), call("number.multiply", _X, _X, type=Type.REAL)))))


def _cosine(site: Site) -> e.Expr:
    sizes = [site.real(i + 2) if site.has(i + 2) else _magnitude(site.dynamic(i)) for i in range(2)]
    return site.call("number.divide", _product_sum(site), call("number.multiply", *sizes, type=Type.REAL))


def _mark(site: Site, place: int) -> e.Expr:
    """Return what marks a hole: a null where nothing is written."""
    return coerce.to_dynamic(site.args[place]) if site.has(place) else e.null(Type.DYNAMIC)


def _fill_const(site: Site) -> e.Expr:
    value = coerce.to_dynamic(site.args[1]) if site.has(1) else e.Literal("0", Type.DYNAMIC)
    return site.call("series.fill_const", site.dynamic(0), value, _mark(site, 2))


def _fill_side(meaning: str) -> Scalar:
    return Scalar(lambda s: s.call(meaning, s.dynamic(0), _mark(s, 1)), 1, 2)


def _fill_linear(site: Site) -> e.Expr:
    edges = site.args[2] if site.has(2) else e.TRUE
    constant = site.real(3) if site.has(3) else e.Literal(0.0, Type.REAL)
    return site.call("series.fill_linear", site.dynamic(0), _mark(site, 1), edges, constant)


def _fir(site: Site) -> e.Expr:
    normalize = site.args[2] if site.has(2) else _no_negative(site)
    return site.call("series.fir", site.dynamic(0), site.dynamic(1), normalize, site.args[3] if site.has(3) else e.FALSE)


def _no_negative(site: Site) -> e.Expr:
    """A filter is normalised by itself where none of its coefficients is negative."""
    low = _member(call("series.stats", site.dynamic(1)), "min", Type.REAL)
    return call("logic.is_true", call("compare.ge", low, e.Literal(0.0, Type.REAL)))


def _outliers(site: Site) -> e.Expr:
    if site.has(1) and site.constant_text(1) not in ("ctukey", ""):
        return site.refuse("only the test ctukey is run", "leave the kind out")
    if site.has(3):
        return site.refuse("percentiles of one's own are not run", "leave them out: the 10th and 90th are used")
    ignored = site.real(2) if site.has(2) and site.args[2].type is not Type.STRING else e.null(Type.REAL)
    return site.call("series.outliers", site.dynamic(0), ignored)


# functions that give several columns


def _of_bag(meaning: Callable[[Site], e.Expr], members: dict[str, Type]) -> Scalar:
    """Return a function whose columns are members of a bag, named after the function, its first argument and the member."""

    def columns(site: Site) -> Columns:
        bag = site.held(meaning(site))
        name = default_name(site.node.args[0].value) or ""
        return [(f"{site.node.function}_{name}_{member}", _member(bag, member, kind)) for member, kind in members.items()]

    return Scalar(lambda s: columns(s)[0][1], 1, 8, columns=columns)


_STATS = {
    "min": Type.REAL, "min_idx": Type.LONG, "max": Type.REAL, "max_idx": Type.LONG, "avg": Type.REAL, "stdev": Type.REAL, "variance": Type.REAL,
}  # fmt: skip
_LINE = {
    "rsquare": Type.REAL, "slope": Type.REAL, "variance": Type.REAL, "rvariance": Type.REAL, "interception": Type.REAL, "line_fit": Type.DYNAMIC,
}  # fmt: skip
_LINES = {"rsquare": Type.REAL, "split_idx": Type.LONG, "variance": Type.REAL, "rvariance": Type.REAL, "line_fit": Type.DYNAMIC} | {
    f"{side}_{member}": Type.REAL for side in ("right", "left") for member in ("rsquare", "slope", "interception", "variance", "rvariance")
}
_PARTS = dict.fromkeys(("baseline", "seasonal", "trend", "residual"), Type.DYNAMIC)
_ANOMALIES = dict.fromkeys(("ad_flag", "ad_score", "baseline"), Type.DYNAMIC)


def _stats(site: Site) -> e.Expr:
    return site.call("series.stats", site.dynamic(0))


def _line(site: Site) -> e.Expr:
    return site.call("series.fit_line", site.dynamic(0))


def _two_lines(site: Site) -> e.Expr:
    return site.call("series.fit_2lines", site.dynamic(0))


def _fft(inverse: bool) -> Scalar:
    def lower(site: Site) -> e.Expr:
        imaginary = site.dynamic(1) if site.has(1) else e.null(Type.DYNAMIC)
        return site.call("series.fft", site.dynamic(0), imaginary, e.Literal(inverse, Type.BOOL))

    return _of_bag(lower, dict.fromkeys(("real", "imag"), Type.DYNAMIC))


def _turn(site: Site, place: int, learnt: e.Expr, threshold: int | None = None) -> e.Expr:
    """Return the period that an argument says; a negative one, and one left out, is looked for in the numbers that are learnt from."""
    given = site.args[place] if site.has(place) else e.whole(-1)
    if isinstance(given, e.Literal) and isinstance(given.value, int) and given.value >= 0:
        return given
    score = site.real(threshold) if threshold is not None and site.has(threshold) else e.Literal(0.6, Type.REAL)
    words = "how Kusto finds the period of a series is not published: one that is clear is found here, and a series whose period is not ends the run"
    site.scope.context.diagnostics.notice("N129", words, site.node.name_span, help="give the period as a number of bins, as in 7 for days, or 0 for none")
    found = site.held(site.call("series.period", learnt, score))
    if isinstance(given, e.Literal):
        return found
    return e.Case(((call("compare.ge", site.long(place), e.whole(0)), coerce.narrow(site.long(place), Type.LONG)),), found, Type.LONG)


def _parts(site: Site, period: int, trend: int, last: int, default: str, threshold: int) -> e.Expr:
    """Return the decomposition whose arguments stand at these places."""
    kind = site.constant_text(trend) if site.has(trend) else default
    if kind not in ("avg", "linefit", "none"):
        return site.scope.error("E107", f"no trend is named {kind!r}", site.node.args[trend].span, "trends: avg, linefit, none")
    held = coerce.narrow(site.long(last), Type.LONG) if site.has(last) else e.whole(0)
    learnt = site.dynamic(0)
    if site.has(last):
        until = call("number.subtract", call("array.length", learnt), held, type=Type.LONG)
        learnt = call("dynamic.slice", learnt, e.whole(0), call("number.subtract", until, e.whole(1), type=Type.LONG))
    return site.call("series.decompose", site.dynamic(0), _turn(site, period, learnt, threshold), e.text(kind), held)


def _decompose(site: Site) -> e.Expr:
    return _parts(site, 1, 2, 3, "avg", 4)


def _forecast(site: Site) -> e.Expr:
    return _member(_parts(site, 2, 3, 1, "linefit", 4), "baseline", Type.DYNAMIC)


def _anomalies(site: Site) -> Columns:
    threshold = site.real(1) if site.has(1) else e.Literal(1.5, Type.REAL)
    if site.has(4) and not (isinstance(site.args[4], e.Literal) and site.args[4].value == 0):
        site.refuse("test points are not run: which percentiles they are held against is not published", "leave them out")
    if site.has(5) and site.constant_text(5) != "ctukey":
        site.refuse("only the test ctukey is run", "leave the method out")
    parts = site.held(_parts(site, 2, 3, 4, "avg", 6))
    score = call("series.outliers", _member(parts, "residual", Type.DYNAMIC), e.null(Type.REAL)) if parts.type is Type.DYNAMIC else e.null(Type.DYNAMIC)
    shown = site.held(score)
    above, below = call("compare.gt", _X, threshold), call("compare.lt", _X, call("number.negate", threshold))
    flag = e.Case(((above, e.whole(1)), (below, e.whole(-1))), e.whole(0), Type.LONG)
    found = {"ad_flag": call("series.map", shown, e.Lambda((_X,), flag)), "ad_score": shown, "baseline": _member(parts, "baseline", Type.DYNAMIC)}
    name = default_name(site.node.args[0].value) or ""
    return [(f"{site.node.function}_{name}_{member}", found[member]) for member in _ANOMALIES]


def _seasonal(site: Site) -> e.Expr:
    last = site.long(2) if site.has(2) else e.whole(0)
    return _member(site.call("series.decompose", site.dynamic(0), _turn(site, 1, site.dynamic(0)), e.text("none"), last), "seasonal", Type.DYNAMIC)


def _bag(meaning: Callable[[Site], e.Expr]) -> Scalar:
    return Scalar(meaning, 1, 2)


SERIES: dict[str, Scalar] = {
    "series_abs": real("number.abs"), "series_exp": real("number.exp"), "series_log": real("number.log"), "series_sin": real("number.sin"),
    "series_cos": real("number.cos"), "series_tan": real("number.tan"), "series_asin": real("number.asin"), "series_acos": real("number.acos"),
    "series_atan": real("number.atan"), "series_floor": real("number.floor"), "series_ceiling": real("number.ceiling"), "series_sign": each(_sign),
    "series_add": pairs("number.add"), "series_subtract": pairs("number.subtract"), "series_multiply": pairs("number.multiply"),
    "series_divide": pairs("number.divide"), "series_pow": pairs("number.power"), "series_greater": pairs("compare.gt", Type.BOOL),
    "series_greater_equals": pairs("compare.ge", Type.BOOL), "series_less": pairs("compare.lt", Type.BOOL),
    "series_less_equals": pairs("compare.le", Type.BOOL), "series_equals": pairs("compare.eq", Type.BOOL), "series_not_equals": Scalar(_unequal, 2, 2),
    "series_dot_product": Scalar(_product_sum, 2, 2), "series_magnitude": Scalar(lambda s: _magnitude(s.dynamic(0)), 1, 1),
    "series_cosine_similarity": Scalar(_cosine, 2, 4), "series_product": Scalar(lambda s: s.call("series.product", s.dynamic(0)), 1, 1),
    "series_pearson_correlation": Scalar(lambda s: s.call("series.correlation", s.dynamic(0), s.dynamic(1)), 2, 2),
    "series_fill_const": Scalar(_fill_const, 1, 3), "series_fill_forward": _fill_side("series.fill_forward"),
    "series_fill_backward": _fill_side("series.fill_backward"), "series_fill_linear": Scalar(_fill_linear, 1, 4), "series_fir": Scalar(_fir, 2, 4),
    "series_iir": Scalar(lambda s: s.call("series.iir", s.dynamic(0), s.dynamic(1), s.dynamic(2)), 3, 3), "series_outliers": Scalar(_outliers, 1, 6),
    "series_seasonal": Scalar(_seasonal, 1, 3), "series_stats": _of_bag(_stats, _STATS), "series_stats_dynamic": _bag(_stats),
    "series_fit_line": _of_bag(_line, _LINE), "series_fit_line_dynamic": _bag(_line), "series_fit_2lines": _of_bag(_two_lines, _LINES),
    "series_fit_2lines_dynamic": _bag(_two_lines), "series_fft": _fft(False), "series_ifft": _fft(True), "series_decompose": _of_bag(_decompose, _PARTS),
    "series_decompose_forecast": Scalar(_forecast, 2, 5),
    "series_decompose_anomalies": Scalar(lambda s: _anomalies(s)[0][1], 1, 7, columns=_anomalies),
}  # fmt: skip
