"""A printed SQL statement laid out for reading: one clause a line, subqueries indented."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Texts and names in quotes are one token, so nothing in them is taken for SQL.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\s+|[()]|[^\s()'"]+""")
_CLAUSES = ("FROM", "WHERE", "GROUP BY", "HAVING", "QUALIFY", "ORDER BY", "LIMIT", "UNION", "WINDOW")
_JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI", "ANTI", "ASOF", "POSITIONAL")
_INDENT = "  "


def laid_out(statement: str) -> str:
    """Return a statement with the same tokens, broken into lines; texts in quotes are untouched."""
    lines: list[str] = []
    line, depth = "", 0
    subqueries: list[bool] = []  # of each open bracket: does it hold a query?
    before = ""
    for piece, after in _with_next(statement):
        word = piece.upper()
        if piece == "(":
            subqueries.append(after.upper() in ("SELECT", "WITH", "FROM", "VALUES"))
            line += piece
            if subqueries[-1]:
                lines.append(_INDENT * depth + line.strip())
                line, depth = "", depth + 1
        elif piece == ")":
            if subqueries and subqueries.pop():
                lines.append(_INDENT * depth + line.strip())
                line, depth = "", max(0, depth - 1)
            line += piece
        elif _in_a_query(subqueries) and _begins(word, after, before):
            lines.append(_INDENT * depth + line.strip())
            line = piece
        else:
            line += " " if piece.isspace() else piece
        before = word if not piece.isspace() else before
    lines.append(_INDENT * depth + line.strip())
    return "\n".join(x for x in lines if x.strip())


def _with_next(statement: str) -> Iterator[tuple[str, str]]:
    """Yield each token with the next that is no blank."""
    tokens = _TOKEN.findall(statement)
    after = ""
    nexts: list[str] = []
    for piece in reversed(tokens):
        nexts.append(after)
        after = after if piece.isspace() else piece
    yield from zip(tokens, reversed(nexts), strict=True)


def _in_a_query(subqueries: list[bool]) -> bool:
    """True where the innermost bracket holds a query, so that a clause's word is a clause."""
    return not subqueries or subqueries[-1]


def _begins(word: str, after: str, before: str) -> bool:
    """True for the first word of a clause; the second of `LEFT JOIN` begins none."""
    if word == "JOIN":
        return before not in _JOINS and before != "OUTER"
    if word in _JOINS:
        return before not in _JOINS
    return any(c == word or c == f"{word} {after.upper()}" for c in _CLAUSES)
