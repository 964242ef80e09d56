"""Whether a value fits a pattern that is itself a value of a row: wildcards, and blocks of addresses."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.plan.expr import Expr
from livefire.plan.functions import call


def fits_wildcard(shown: Expr, pattern: Expr) -> Expr:
    """Return whether a text is as a pattern says, in which `*` is any run of characters; null where one is missing."""
    escaped = call("text.replace_regex", pattern, e.text(r"([.+?^${}()|\[\]\\])"), e.text("\\\\\\1"))
    regex = call("text.concat", e.text("(?s)^"), call("text.replace", escaped, e.text("*"), e.text(".*")), e.text("$"))
    return call("text.matches_regex", shown, regex)


def lies_in_block(shown: Expr, block: Expr) -> Expr:
    """Return whether an address of either version lies in a block such as 10.0.0.0/8; null where one is none."""
    prefix = call("address.ipv6_prefix", block)
    cut = [call("address.digits_cut", call("address.ipv6_digits", x), prefix) for x in (shown, block)]
    return call("compare.eq", *cut)
