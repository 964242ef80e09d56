"""extract, also called kv: fields written as pairs in the event's text, parted by signs that the search names.

https://help.splunk.com/en/splunk-enterprise/spl-search-reference/10.0/search-commands/extract
"""

from __future__ import annotations

import re

from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import RAW, Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, multi_of, only_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import any_of, call
from livefire.schema import Type

_READ, _PAIRS = 10_240, 50
_NAME = re.compile(r"[A-Za-z]\w*")


def lower_extract(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`extract pairdelim= kvdelim=`: the pairs of `_raw` whose names the search goes on to mention; the first of a name counts, with mv_add=true all do."""
    known = ("pairdelim", "kvdelim", "mv_add", "clean_keys", "limit", "maxchars", "segment", "reload", "auto")
    scope.known(node.name, node.options, *known)
    between, inside = scope.option(node.options, "pairdelim"), scope.option(node.options, "kvdelim")
    if node.words or not between or not inside:
        scope.refuse(
            "E301",
            f"{node.name}: without both delimiters it takes fields out of text by settings of the server",
            node.span,
            help="say pairdelim= and kvdelim=, or use rex",
        )
    subject = text_of(only_of(scope.field(frame, RAW, node.span), node.name))
    if frame.wild and not frame.has(RAW):
        return frame
    looked: Expr = call("text.slice", subject, e.whole(0), e.whole(scope.whole(node.options, "maxchars", _READ)))
    looked = _checked(looked, between, inside, scope.whole(node.options, "limit", _PAIRS))
    clean, several = scope.flag(node.options, "clean_keys", default=True), scope.flag(node.options, "mv_add")
    items = [n.Item(x, _kept(frame, x, _found(looked, x, between, inside, clean=clean, several=several), several=several)) for x in _wanted(scope)]
    return frame.extended(*items, span=node.span) if items else frame


def _wanted(scope: Scope) -> list[str]:
    return sorted(x for x in scope.mentions if _NAME.fullmatch(x))


def _signs(text: str) -> str:
    return "".join(re.escape(x) if x in "\\^]-[" else x for x in text)


def _checked(text: Expr, between: str, inside: str, most: int) -> Expr:
    """Return the text, or end the run where a pair is written in a way whose reading is not documented: quoted, or with blanks at its edges."""
    part, sign = _signs(between), _signs(inside)
    edge = rf"[{sign}](?:\"|[^\S{part}{sign}])|[^\S{part}{sign}](?:[{part}]|$)" if not between.isspace() else rf"[{sign}](?:\"|[^\S{part}{sign}])"
    odd = call("text.matches_regex", text, e.text(edge))
    pairs = call("dynamic.length", call("text.extract_all_regex", text, e.text(rf"[^{part}{sign}][{sign}]"), e.whole(0)))
    many = call("compare.gt", pairs, e.whole(most))
    message = (
        "SPL: extract: an event has a quoted pair, or one with blanks at an edge, or more pairs than limit=, and what becomes of it is not documented; use rex"
    )
    stop = call("logic.fail_if", any_of(odd, many), e.text(message))
    return Case(((stop, e.null(Type.STRING)),), text, Type.STRING)


def _found(text: Expr, name: str, between: str, inside: str, *, clean: bool, several: bool) -> Expr:
    """Return the value of a name: what stands between the two signs, and holds neither."""
    part, sign = _signs(between), _signs(inside)
    # Signs in a name that are no letter, figure or underscore become underscores, and those at its front go.
    key = re.sub("_", rf"[^A-Za-z0-9{part}{sign}]", name) if clean else name
    front = rf"[^A-Za-z{part}{sign}]*" if clean else ""
    pattern = rf"(?:^|[{part}]){front}{key}[{sign}]+([^{part}{sign}]+)(?:[{part}]|$)"
    if several:
        # The sign after one pair is the one before the next: each is read by itself.
        pieces = call("text.extract_all_regex", text, e.text(rf"[^{part}]+"), e.whole(0))
        item = e.Column(f"~pair_{name}", Type.DYNAMIC)
        one = call("text.extract_regex", call("dynamic.text", item), e.text(rf"^{front}{key}[{sign}]+([^{sign}]+)$"), e.whole(1))
        filled = call("logic.null_if", one, e.text(""))
        return tidy(call("array.compact", call("array.map", pieces, e.Lambda((item,), call("dynamic.of", filled)))))
    return call("logic.null_if", call("text.extract_regex", text, e.text(pattern), e.whole(1)), e.text(""))


def _kept(frame: Frame, name: str, found: Expr, *, several: bool) -> Expr:
    """A field that is there keeps its value; with mv_add=true it gets the found ones too."""
    if not frame.has(name):
        return found
    before = frame.column(name)
    if several:
        return tidy(call("dynamic.concat", multi_of(before), found))
    if is_multi(before):
        return call("logic.coalesce", before, multi_of(found))
    return call("logic.coalesce", text_of(before), found)
