"""Regular expressions for products whose own match a whole text and know few signs.

Lucene's: https://lucene.apache.org/core/9_11_0/core/org/apache/lucene/util/automaton/RegExp.html
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<group>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<class>\[\^?\]?(?:[^\]\\]|\\.)*\])|(?P<count>[*+?]\??|\{\d+(?:,\d*)?\}\??)|(?P<dot>\.)"
    r"|(?P<digit>\\[dDwWsS])|(?P<escaped>\\[^A-Za-z0-9])|(?P<plain>[^\\()\[\]{}|*+?.^$])"
)
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \\t\\n\\r\\f"}


def lucene_regex(pattern: str, *, fold: bool, flags: str) -> str | None:
    """Return a search for an RE2 pattern as a Lucene pattern of the whole text, None where that cannot be said."""
    if "m" in flags:
        return None
    starts, ends = pattern.startswith(("^", "\\A")), False
    body = pattern[2 if pattern.startswith("\\A") else 1 :] if starts else pattern
    if body.endswith("\\z"):
        body, ends = body[:-2], True
    elif body.endswith("$") and not body.endswith("\\$"):
        body, ends = body[:-1], True
    if (starts or ends) and _top_level_or(body):
        return None
    inner = _body(body, fold, "s" in flags)
    if inner is None:
        return None
    if (not starts and _top_level_or(body)) or (not ends and _top_level_or(body)):
        inner = f"({inner})"
    return ("" if starts else ".*") + inner + ("" if ends else ".*")


def _top_level_or(body: str) -> bool:
    depth = 0
    for found in _TOKEN.finditer(body):
        depth += 1 if found.lastgroup == "group" else -1 if found.lastgroup == "close" else 0
        if found.lastgroup == "or" and depth == 0:
            return True
    return False


def _body(body: str, fold: bool, dot_all: bool) -> str | None:
    out, at = "", 0
    while at < len(body):
        found = _TOKEN.match(body, at)
        if found is None or (found.lastgroup == "group" and body[at : at + 2] == "(?" and body[at : at + 3] != "(?:"):
            return None
        piece = _piece(found, fold, dot_all)
        if piece is None:
            return None
        out, at = out + piece, found.end()
    return out


def _piece(found: re.Match[str], fold: bool, dot_all: bool) -> str | None:
    text = found[0]
    match found.lastgroup:
        case "group":
            return "("
        case "close" | "or":
            return text
        case "count":
            return text.rstrip("?") if len(text) > 1 else text
        case "dot":
            return "." if dot_all else "[^\n]"
        case "digit":
            return f"[{'^' if text[1].isupper() else ''}{_CLASSES[text[1].lower()].encode().decode('unicode_escape')}]"
        case "class":
            return None if fold or re.search(r"\\[A-Za-z]|\[:", text) else text
        case _:
            char = text[-1]
            if fold and char.isalpha():
                return f"[{char.lower()}{char.upper()}]" if len(char.upper()) == 1 and char.isascii() else None
            return char if char.isalnum() or char in " _/:-,;%='!" else "\\" + char
