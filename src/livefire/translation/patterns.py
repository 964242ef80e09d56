"""Wildcards and regular expressions taken apart, and tests of constants."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from livefire.translation.condition import Condition, Constant, Op, Present, Subject, Test, Value, all_of, negate

Token: TypeAlias = str | Literal["*", "?"]
ANY, ONE = "\x00*", "\x00?"


def tokens(pattern: str) -> list[str]:
    """Return a plan's wildcard pattern as literal texts, `ANY` and `ONE`; a backslash makes the next character plain."""
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and at + 1 < len(pattern):
            char, at = pattern[at + 1], at + 1
        elif char in "*?":
            sign = ANY if char == "*" else ONE
            if not (sign == ANY and found and found[-1] == ANY):
                found.append(sign)
            at += 1
            continue
        if found and found[-1] not in (ANY, ONE):
            found[-1] += char
        else:
            found.append(char)
        at += 1
    return found


def pattern_of(parts: list[str]) -> str:
    """Return tokens as a plan's wildcard pattern."""
    return "".join({ANY: "*", ONE: "?"}.get(p) or re.sub(r"([\\*?])", r"\\\1", p) for p in parts)


def like_tokens(pattern: str) -> str:
    """Return an SQL LIKE pattern (% and _) as a plan's wildcard pattern."""
    return "".join({"%": "*", "_": "?"}.get(c) or (f"\\{c}" if c in "\\*?" else c) for c in pattern)


def wildcard_test(subject: Subject, pattern: str, fold: bool, **place: object) -> Condition:
    """Return a wildcard comparison as the plainest test that means the same."""
    parts = tokens(pattern)
    plain = [p for p in parts if p not in (ANY, ONE)]
    if not parts:
        return Test("eq", subject, "", fold, **place)  # type: ignore[arg-type]  # the place is the span
    if parts == [ANY]:
        return Present(subject, **place)  # type: ignore[arg-type]  # as above
    shape = tuple(p if p in (ANY, ONE) else "x" for p in parts)
    op = {("x",): "eq", (ANY, "x"): "ends", ("x", ANY): "starts", (ANY, "x", ANY): "contains"}.get(shape)
    if op is None:
        return Test("wildcard", subject, pattern_of(parts), fold, **place)  # type: ignore[arg-type]  # as above
    return Test(op, subject, plain[0], fold, **place)  # type: ignore[arg-type]  # as above


_PLAIN = r"(?:[^\\.^$*+?()\[\]{}|]|\\[^A-Za-z0-9])"
_SHAPE = re.compile(rf"(\^|\\A)?(?:\(\?:)?({_PLAIN}+)\)?(\$|\\z)?")


def regex_test(subject: Subject, pattern: str, flags: str, **place: object) -> Condition:
    """Return a search for a regular expression as the plainest test that means the same."""
    found = re.match(r"\(\?([ims]+)\)", pattern)
    if found:
        pattern, flags = pattern[found.end() :], flags + found[1]
    flags = "".join(sorted(set(flags)))
    fold = "i" in flags
    if pattern in (".", ".+") and "s" in flags:
        return all_of(Present(subject), negate(Test("eq", subject, "", False, **place)))  # type: ignore[arg-type]  # the place is the span
    if pattern in ("", ".*"):
        return Present(subject, **place)  # type: ignore[arg-type]  # as above
    whole = _SHAPE.fullmatch(pattern)
    if whole and "m" not in flags and ("(?:" in pattern) == pattern.rstrip("z\\$").endswith(")"):
        text = re.sub(r"\\(.)", r"\1", whole[2])
        ops: dict[tuple[bool, bool], Op] = {(True, True): "eq", (True, False): "starts", (False, True): "ends", (False, False): "contains"}
        return Test(ops[bool(whole[1]), bool(whole[3])], subject, text, fold, **place)  # type: ignore[arg-type]  # as above
    return Test("regex", subject, pattern, fold, flags.replace("i", ""), **place)  # type: ignore[arg-type]  # as above


def as_regex(parts: list[str]) -> str:
    """Return wildcard tokens as a regular expression of the whole text, for flag s."""
    return "^" + "".join({ANY: ".*", ONE: "."}.get(p) or escape(p) for p in parts) + "$"


def escape(text: str) -> str:
    """Return text as a regular expression for itself, in any of the languages' flavours."""
    return "".join("\\" + c if c in "\\.^$*+?()[]{}|" else c for c in text)


def term_regex(text: str, *, before: bool, after: bool) -> str:
    """Return a search for a term: text between characters that are no letters or digits."""
    edge = r"[^\p{L}\p{N}]"
    return (rf"(?:^|{edge})" if before else "") + escape(text) + (rf"(?:{edge}|$)" if after else "")


def holds(op: Op, fold: bool, flags: str, constant: object, value: Value) -> bool | None:
    """Return whether a constant stands in a relation to another; None where that cannot be told here."""
    if isinstance(constant, str) and isinstance(value, str):
        left, right = (constant.lower(), value.lower()) if fold else (constant, value)
        match op:
            case "eq":
                return left == right
            case "contains":
                return right in left
            case "starts":
                return left.startswith(right)
            case "ends":
                return left.endswith(right)
            case "wildcard":
                inner = as_regex(tokens(value))
                return re.search(inner.replace("$", r"\Z") if inner.endswith("$") else inner, constant, re.S | (re.I if fold else 0)) is not None
            case "lt" | "le" | "gt" | "ge":
                return {"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[op]
            case "term" | "term_prefix" | "term_suffix":
                return False if constant == "" and value else None
            case "regex":
                return _searched(value, constant, fold, flags)
            case "cidr":
                return False if constant == "" else None
            case _:
                return None
    if op == "eq" and type(constant) is type(value):
        return constant == value
    return None


def _searched(pattern: str, text: str, fold: bool, flags: str) -> bool | None:
    """Search with Python's engine, whose answer is RE2's for patterns that both read alike."""
    if re.search(r"\\[pPQEzCN]|\[\[:|\(\?[^:P]", pattern):
        return None
    try:
        return re.search(pattern, text, (re.I if fold else 0) | (re.S if "s" in flags else 0) | (re.M if "m" in flags else 0)) is not None
    except re.error:
        return None


__all__ = ["ANY", "ONE", "Constant", "as_regex", "escape", "holds", "like_tokens", "pattern_of", "regex_test", "term_regex", "tokens", "wildcard_test"]
