"""From PCRE, which Splunk uses, to RE2, which the engines use; what RE2 has no word for is refused.

https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
import warnings

from livefire.diagnostics import Diagnostics, Halt, Span

_FOREIGN = (
    (r"\(\?<?[=!]", "lookaround"),
    (r"\(\?>", "an atomic group"),
    (r"\(\?\(", "a conditional group"),
    (r"\(\?(?:R|\d|&|P>)", "recursion"),
    (r"\(\?P=|\\k[<{']", "a back-reference"),
    (r"\(\*[A-Z]", "a backtracking verb"),
)
# To PCRE \v is any line break, to RE2 one character: https://www.pcre.org/current/doc/html/pcre2pattern.html
_BREAKS = r"\n\x0b\f\r\x{85}\x{2028}\x{2029}"
_ESCAPES = {
    "h": r"[ \t]",
    "H": r"[^ \t]",
    "R": r"(?:\r\n|\n|\r)",
    "N": r"[^\n]",
    "Z": r"\n?\z",
    "e": r"\x1b",
    "v": f"[{_BREAKS}]",
    "G": None,
    "K": None,
    "X": None,
}
_IN_CLASS = {"h": r" \t", "e": r"\x1b", "v": _BREAKS}
_KNOWN = set("AbBdDfnprsStwWPpQExzaC") | set("01234567")
_LIMIT = 1000


def read_pattern(text: str, span: Span, diagnostics: Diagnostics) -> str:
    """Return the RE2 pattern that means what a PCRE pattern means; E205 and Halt where there is none."""
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    for sign, what in _FOREIGN:
        if re.search(sign, bare if not sign.startswith(r"\(\?P=") else text):
            refuse(f"the pattern uses {what}, which the engine's RE2 does not have", span, diagnostics)
    converted = _convert(text, span, diagnostics)
    _prove(converted, span, diagnostics)
    return converted


def refuse(message: str, span: Span, diagnostics: Diagnostics) -> None:
    """Record E205 and halt."""
    diagnostics.error("E205", message, span, help="write the pattern without it")
    raise Halt


def _convert(text: str, span: Span, diagnostics: Diagnostics) -> str:
    out: list[str] = []
    place, in_class = 0, False
    while place < len(text):
        char = text[place]
        if char == "\\" and place + 1 < len(text):
            named = re.compile(r"\\(?:x\{[0-9a-fA-F]{1,6}\}|[pP]\{\^?\w+\})").match(text, place)
            if named:
                out.append(named.group())
                place = named.end()
                continue
            out.append(_escape(text[place + 1], in_class, span, diagnostics))
            place += 2
            continue
        if in_class:
            posix = re.compile(r"\[:\^?\w+:\]").match(text, place)
            if posix:
                out.append(posix.group())
                place = posix.end()
                continue
            in_class = char != "]"
            out.append("\\[" if char == "[" else char)
        elif char == "[":
            in_class = True
            head = re.compile(r"\[\^?\]?").match(text, place)
            assert head is not None
            out.append(head.group().replace("]", "\\]"))
            place = head.end()
            continue
        elif text.startswith("(?<", place):
            out.append("(?P<")
            place += 3
            continue
        elif text.startswith("(?'", place):
            refuse("a group is named (?<name>…), not (?'name'…)", span, diagnostics)
        elif char == "+" and out and re.fullmatch(r"[+*?]|\{\d+(,\d*)?\}", out[-1]) and not _escaped_before(out):
            refuse("the pattern uses a possessive repeat, which the engine's RE2 does not have", span, diagnostics)
        else:
            repeat = re.compile(r"\{\d+(,\d*)?\}").match(text, place)
            if repeat:
                if any(len(x) > 4 or int(x) > _LIMIT for x in re.findall(r"\d+", repeat.group())):
                    refuse(f"the engine's RE2 repeats at most {_LIMIT} times", span, diagnostics)
                out.append(repeat.group())
                place = repeat.end()
                continue
            out.append("\\{" if char == "{" else char)
        place += 1
    return "".join(out)


def _escaped_before(out: list[str]) -> bool:
    return len(out[-1]) > 1 and out[-1].startswith("\\")


def _escape(char: str, in_class: bool, span: Span, diagnostics: Diagnostics) -> str:
    if char in "123456789" and not in_class:
        refuse(f"the pattern uses the back-reference \\{char}, which the engine's RE2 does not have", span, diagnostics)
    if in_class and char in _IN_CLASS:
        return _IN_CLASS[char]
    if char in _ESCAPES:
        replacement = _ESCAPES[char]
        if replacement is None or in_class:
            refuse(f"the pattern uses \\{char}, which the engine's RE2 does not have", span, diagnostics)
        return str(replacement)
    if char.isascii() and char.isalnum() and char not in _KNOWN:
        refuse(f"\\{char} means nothing in a pattern", span, diagnostics)
    if char == "_" or not char.isascii():
        return char
    return "\\" + char


def _prove(pattern: str, span: Span, diagnostics: Diagnostics) -> None:
    """Find what no dialect reads: brackets that do not match, a repeat of nothing."""
    probe = (
        re.sub(r"\\x\{[0-9a-fA-F]+\}|\\[pP](\{\^?\w+\}|\w)|\[:\^?\w+:\]", "w", pattern)
        .replace(r"\z", r"\Z")
        .replace(r"\C", ".")
        .replace(r"\Q", "")
        .replace(r"\E", "")
    )
    probe = re.sub(r"\(\?[imsU]*(-[imsU]+)?\)", "", probe)
    probe = re.sub(r"\(\?[imsU]*(-[imsU]+)?:", "(?:", probe)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(probe)
    except (re.error, OverflowError, RecursionError) as fault:
        refuse(f"the pattern is malformed: {str(fault).partition(' at position')[0]}", span, diagnostics)


_GROUPS = re.compile(r"\\.|\[\^?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?!\?)|\(\?P<(?P<name>\w+)>", re.DOTALL)
_NUMBERED = 9


def group_names(pattern: str) -> list[tuple[int, str]]:
    """Return number and name of each named group of an RE2 pattern."""
    found, number = [], 0
    for match in _GROUPS.finditer(pattern):
        if match.group().startswith("("):
            number += 1
            if match["name"]:
                found.append((number, match["name"]))
    return found


def for_group(pattern: str, number: int) -> tuple[str, int]:
    """Return a pattern and the number a group has in it: engines number only the first nine, so a later one is left alone in its pattern."""
    if number <= _NUMBERED:
        return pattern, number
    count = 0

    def kept(match: re.Match[str]) -> str:
        nonlocal count
        if not match.group().startswith("("):
            return match.group()
        count += 1
        return "(" if count == number else "(?:"

    return _GROUPS.sub(kept, pattern), 1
