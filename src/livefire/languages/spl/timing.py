"""Functions of time: a moment counts as seconds since 1970, and stays a datetime as long as it can.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/DateandTimeFunctions; every zone is UTC.
"""

from __future__ import annotations

import re

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply
from livefire.languages.spl.evaluating import Evaluator, Function
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import NOW, UNIT_OF, moment
from livefire.languages.spl.values import constant_text, is_text, number_of, real_of
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import TICKS_PER_SECOND, Type

_LONG_FORMS = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M"}
# As a server in US English on Linux shows them.
_LOCAL = {"c": "%a %b %e %H:%M:%S %Y", "+": "%a %b %e %H:%M:%S UTC %Y", "x": "%m/%d/%Y", "X": "%H:%M:%S", "e": "%e", "k": "%k"}
_PLAIN = set("YmdHMSybBaAjpIUw")
_CODE = re.compile(r"%(?P<width>[0-9]?)(?P<code>[A-Za-z%+@])", re.DOTALL)


def time_of(x: Expr) -> Expr:
    """Return a value as a datetime: seconds since 1970, whole or not."""
    if x.type is Type.DATETIME:
        return x
    micros = call("number.round", call("number.multiply", real_of(x), e.Literal(1e6, Type.REAL), type=Type.REAL), e.whole(0))
    return call("time.from_epoch", call("number.to_long", micros), e.text("us"))


def formatted(x: Expr, form: str, span: Span, scope: Scope) -> Expr:
    """Return a moment by a strftime format of Splunk's; E304 for a code that is not run."""
    at = time_of(x)
    parts: list[Expr] = []
    plain = ""
    place = 0
    for match in _CODE.finditer(form):
        plain += form[place : match.start()].replace("%", "%%")
        place = match.end()
        code, width = match["code"], match["width"]
        if code in _PLAIN and not width:
            plain += f"%{code}"
        elif code in _LONG_FORMS and not width:
            plain += _LONG_FORMS[code]
        elif code in _LOCAL and not width:
            for piece in re.split(r"(%e|%k)", _LOCAL[code]):
                if piece in ("%e", "%k"):
                    parts.append(call("time.format", at, e.text(plain or "")))
                    plain = ""
                    number = call("time.part", at, e.text("day" if piece == "%e" else "hour"))
                    parts.append(call("text.pad_left", call("number.text", number), e.whole(2), e.text(" ")))
                else:
                    plain += piece
        elif code == "%":
            plain += "%%"
        elif code == "z":
            plain += "+0000"
        elif code == "Z":
            plain += "UTC"
        elif code in ("Q", "N", "f") or code == "s":
            if plain:
                parts.append(call("time.format", at, e.text(plain)))
                plain = ""
            parts.append(_piece(at, code, width))
        else:
            scope.refuse("E304", f"the time format %{width}{code} is not run", span, help="known: Y m d H M S y b B a A j p I U w F T D R s Q N z Z")
    plain += form[place:].replace("%", "%%")
    if plain or not parts:
        parts.append(call("time.format", at, e.text(plain)))
    return call("text.concat", *parts) if len(parts) > 1 else parts[0]


def _piece(at: Expr, code: str, width: str) -> Expr:
    if code == "s":
        return call("number.text", call("time.to_epoch", at, e.text("s")))
    digits = int(width) if width else {"Q": 3, "N": 9, "f": 6}[code]
    micros = call("time.format", at, e.text("%f"))
    if digits <= 6:
        return call("text.slice", micros, e.whole(0), e.whole(digits))
    return call("text.concat", micros, e.text("0" * (digits - 6)))


def parsed_by(text: Expr, form: str, span: Span, scope: Scope) -> Expr:
    """Return text read by a strptime format of Splunk's, null where it does not fit."""
    if form in ("%s", "%s.%3N", "%s.%Q", "%s.%6N"):
        return time_of(real_of(text))
    if re.search(r"%[HIMSTR]", form) and not re.search(r"%[YyFmbBjDdeaAU]", form):
        scope.context.diagnostics.notice("N159", "a time without a date is one of the day of the run", span)
        today = call("time.format", NOW, e.text("%Y-%m-%d "))
        return parsed_by(call("text.concat", today, text), "%Y-%m-%d " + form, span, scope)
    if not re.search(r"%[YyF]", form) or not re.search(r"%[mbBFjD]", form):
        scope.refuse("E304", "a format without year and month depends on the day of the run", span, help="give the whole date")
    out, place = "", 0
    for match in _CODE.finditer(form):
        out += form[place : match.start()]
        place = match.end()
        code = match["code"]
        if code in _PLAIN - {"U", "w"} or code in "z%":
            out += f"%{code}"
        elif code in _LONG_FORMS:
            out += _LONG_FORMS[code]
        elif code in ("Q", "N", "f"):
            out += "%f"
        elif code == "Z":
            out += "%Z"
        else:
            scope.refuse("E304", f"the time format %{code} is not read", span)
    return call("time.parse_format", text, e.text(out + form[place:]), span=span)


def duration(seconds: Expr) -> Expr:
    """Return seconds as [D+]HH:MM:SS."""
    whole = call("number.to_long", seconds)

    def part(divisor: int, size: int) -> Expr:
        value = call("number.modulo", call("number.divide_whole", whole, e.whole(divisor)), e.whole(size))
        return Case(
            ((call("compare.lt", value, e.whole(10)), call("text.concat", e.text("0"), call("number.text", value))),), call("number.text", value), Type.STRING
        )

    days = call("number.divide_whole", whole, e.whole(86_400))
    head = Case(((call("compare.gt", days, e.whole(0)), call("text.concat", call("number.text", days), e.text("+"))),), e.text(""), Type.STRING)
    return call("text.concat", head, part(3600, 24), e.text(":"), part(60, 60), e.text(":"), part(1, 60))


def _form(v: Evaluator, ast: Apply) -> str:
    form = constant_text(v.value(ast.args[1].value))
    if form is None:
        v.scope.refuse("E305", f"{ast.function}() takes a constant format", ast.args[1].value.span)
    return form


def _strftime(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    value = v.one(value, ast.args[0].value.span)
    return formatted(value, _form(v, ast), ast.span, v.scope)


def _strptime(v: Evaluator, ast: Apply) -> Expr:
    return parsed_by(v.text(v.value(ast.args[0].value), ast.args[0].value.span), _form(v, ast), ast.span, v.scope)


def _relative(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    value = v.one(value, ast.args[0].value.span)
    shape = v.value(ast.args[1].value)
    if constant_text(shape) is None:
        return _shifted(value, v.text(shape, ast.args[1].value.span))
    text = _form(v, ast)
    found = moment(text, time_of(value) if not is_text(value) else time_of(number_of(value)))
    if found is None or text[:1] not in "+-@n":
        v.scope.refuse("E206", f"{text[:40]!r} is no relative time", ast.args[1].value.span, help="such as -1d@d")
    return found


def _shifted(value: Expr, text: Expr) -> Expr:
    """A relative time that is computed: a sign, a number and a unit; anything else ends the run."""
    at = time_of(value) if not is_text(value) else time_of(number_of(value))
    pattern = e.text(r"^([+-])([0-9]{1,6})([a-zA-Z]+)$")
    sign, count, unit = (call("text.extract_regex", text, pattern, e.whole(i)) for i in (1, 2, 3))
    number = call("number.parse_long", call("text.concat", sign, count))
    arms: list[tuple[Expr, Expr]] = []
    for name, seconds in (("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)):
        words = tuple(e.text(w) for w, u in UNIT_OF.items() if u == name)
        ticks = call("number.multiply", number, e.whole(seconds * TICKS_PER_SECOND), type=Type.TIMESPAN)
        arms.append((call("compare.in", call("text.lower", unit), *words), call("time.add", at, ticks)))
    for name, months in (("mon", 1), ("q", 3), ("y", 12)):
        words = tuple(e.text(w) for w, u in UNIT_OF.items() if u == name)
        arms.append(
            (
                call("compare.in", call("text.lower", unit), *words),
                call("time.add_months", at, call("number.multiply", number, e.whole(months), type=Type.LONG)),
            )
        )
    odd = call("logic.and", call("logic.not", call("logic.is_null", text)), call("logic.is_null", unit))
    message = "SPL: relative_time(): a row computes a relative time that is no sign, number and unit, such as -1d"
    arms.insert(0, (call("logic.fail_if", odd, e.text(message)), e.null(Type.DATETIME)))
    return Case(tuple(arms), e.null(Type.DATETIME), Type.DATETIME)


def _now(_v: Evaluator, _ast: Apply) -> Expr:
    return call("time.start_of", NOW, e.text("second"))


def _time(_v: Evaluator, _ast: Apply) -> Expr:
    return NOW


FUNCTIONS = {
    "now": Function(0, 0, _now),
    "time": Function(0, 0, _time),
    "relative_time": Function(2, 2, _relative),
    "strftime": Function(2, 2, _strftime),
    "strptime": Function(2, 2, _strptime),
}
