"""Text of events made harmless for a terminal or a spreadsheet; every view passes through here."""

from __future__ import annotations

import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FORMULA = tuple("=+-@\t\r\n|＝＋－＠")


def safe_text(text: str, *, lines: bool = False) -> str:
    """Return text with every control, format, private and unassigned character written as an escape.

    With `lines` line feeds and tabs stay. This stops terminal escapes, clipboard writes, carriage
    returns and bidirectional overrides (CVE-2021-25743 is the kind).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c, lines) for c in text)


def _escape(char: str, lines: bool) -> str:
    if lines and char in "\n\t":
        return char
    if unicodedata.category(char) not in _UNSAFE:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_cell(text: str) -> str:
    """Return text for a CSV cell: what a spreadsheet would take for a formula begins with an apostrophe.

    The list is OWASP's (https://owasp.org/www-community/attacks/CSV_Injection); plain numbers stay.
    """
    clean = safe_text(text)
    if not clean.startswith(_FORMULA) and not text.startswith(_FORMULA):
        return clean
    try:
        float(clean)
    except ValueError:
        return "'" + clean
    return clean


def safe_markdown(text: str) -> str:
    """Return text for a line of Markdown: one line, and nothing in it is a link, an image, an element, code or a heading.

    Characters are escaped as CommonMark does: https://spec.commonmark.org/0.31.2/#backslash-escapes.
    """
    clean = "".join(f"\\{c}" if c in "\\`<>[]&" else c for c in safe_text(text))
    return f"\\{clean}" if clean.startswith(("#", "-", "+", "=", "~", "|")) else clean
