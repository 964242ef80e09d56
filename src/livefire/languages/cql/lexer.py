"""Words, texts, patterns and signs of CQL, which depend on where they stand.

In a filter `a-b` is one word and `/x/` a pattern; in an expression `a-b` is a difference and `/`
divides; the arguments of a function lie between. So the lexer keeps a stack of modes, one for
each open bracket. Facts: https://library.humio.com/data-analysis/syntax-filters.html and
https://library.humio.com/data-analysis/syntax-expressions.html
"""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Fix, Span
from livefire.languages.kit.lexer import END, Token

FILTER, ARGUMENTS, EXPRESSION = "filter", "arguments", "expression"
EXPRESSION_FUNCTIONS = frozenset({"eval", "test", "if", "coalesce", "getfield", "text:contains", "array:eval"})
_SIGNS = (":=", "=~", "<=>", "=>", "==", "!=", "<=", ">=", "=", "<", ">", "!", "|", ";", ",", "(", ")", "[", "]", "{", "}")
_INDEX = re.compile(r"\[(\d+|\*|[A-Za-z_]\w*)?\]")
_QUOTED_PART = re.compile(r"`[^`\n]*`")
_SKIP = re.compile(r"(?:\s+|//[^\n]*|/\*.*?(?:\*/|\Z))+", re.DOTALL)
_HASHED = re.compile(r"(#+)(?=[ \t#-]|$)[^\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_REGEX = re.compile(r"/(?![/*])(?:\[\^?\]?(?:[^\]\\\n]|\\.)*\]|[^/\\\n\[]|\\.)+/[a-zA-Z]*|/(?![/*])(?:[^/\\\n]|\\.)+/[a-zA-Z]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?[eE][-+]?\d+(?![\w.])")
_PLAIN = re.compile(r"[A-Za-z0-9_@#.]+")
_VARIABLE = re.compile(r'\?(?:\{|"[^"\n]*"|[\w.@#-]+)')
_SAVED = re.compile(r'\$(?:"[^"\n]*"|[\w/:.-]+)(?=\s*\()')
_DEFAULTED = re.compile(r'\?\{\s*("[^"\n]*"|[^=}\s"]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^}\n]*?)\s*)?\}', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w:]*$")
_STOP = frozenset(' \t\r\n\f\v\u00a0()[]{}|,;"=<>')


class CqlLexer:
    """Splits a text into tokens of kind word, string, regex, variable, saved or sign."""

    def __init__(self, diagnostics: Diagnostics, calls: frozenset[str], *, lenient: bool = False) -> None:
        self._diagnostics = diagnostics
        self._lenient = lenient
        self._text = diagnostics.source.text
        self._calls = calls
        self._tokens: list[Token] = []
        self._modes: list[str] = [FILTER]
        self._bases: list[str] = [FILTER]

    def tokens(self) -> list[Token]:
        """Return the tokens; what cannot be read is reported and skipped."""
        place = 0
        while place < len(self._text):
            skipped = _SKIP.match(self._text, place)
            if skipped:
                place = skipped.end()
                continue
            if (comment := _HASHED.match(self._text, place)) and not self._text[:place].rpartition("\n")[2].strip():
                self._say_comment(comment)
                if self._lenient:
                    place = comment.end()
                    continue
            place = self._token(place)
        self._tokens.append(Token(END, "", Span(len(self._text), len(self._text))))
        return self._tokens

    def _say_comment(self, found: re.Match[str]) -> None:
        """Warn of a line that begins with # and no name: it is text to look for, but meant as a comment, which it is when lenient."""
        mark = Span(found.start(), found.start() + len(found.group(1)))
        self._diagnostics.warn("W238", "a comment begins with //; after # stands text to look for", mark, help="write //", fix=Fix(mark, "//", "write //"))

    @property
    def _mode(self) -> str:
        return self._modes[-1]

    def _add(self, kind: str, start: int, end: int) -> int:
        self._tokens.append(Token(kind, self._text[start:end], Span(start, end)))
        return end

    def _token(self, place: int) -> int:
        char = self._text[place]
        if char == '"':
            return self._string(place)
        if char == "/" and not self._after_operand():
            return self._regex(place)
        if char == "?" and (found := _VARIABLE.match(self._text, place)):
            return self._variable(place, found)
        if char == "$" and (found := _SAVED.match(self._text, place)):
            return self._add("saved", place, found.end())
        if self._mode == EXPRESSION and char in "+-*/%":
            return self._number_or_sign(place)
        if self._mode == ARGUMENTS and char in "+/":
            return self._add("sign", place, place + 1)
        if self._mode == ARGUMENTS and char == ":" and self._text[place + 1 : place + 2] != "=":
            return self._add("sign", place, place + 1)
        if char == "-" and self._mode == ARGUMENTS and self._after_operand():
            return self._add("sign", place, place + 1)
        for sign in _SIGNS:
            if self._text.startswith(sign, place):
                return self._sign(sign, place)
        return self._word(place)

    def _after_operand(self) -> bool:
        if self._mode == FILTER or not self._tokens:
            return False
        last = self._tokens[-1]
        return last.kind in ("word", "string", "variable") or last.text in (")", "]")

    def _number_or_sign(self, place: int) -> int:
        return self._add("sign", place, place + 1)

    def _string(self, place: int) -> int:
        found = _STRING.match(self._text, place)
        if found is None:
            line_end = self._text.find("\n", place)
            end = len(self._text) if line_end < 0 else line_end
            fix = Fix(Span(end, end), '"', "insert '\"'")
            self._diagnostics.error("E203", 'this " is never closed', Span(place, end), help='close the text with "', fix=fix)
            return self._add("string", place, end)
        return self._add("string", place, found.end())

    def _regex(self, place: int) -> int:
        found = _REGEX.match(self._text, place)
        if found is None:
            if self._mode == FILTER:
                return self._word(place)
            line_end = self._text.find("\n", place)
            end = len(self._text) if line_end < 0 else line_end
            self._diagnostics.error("E203", "this / opens a pattern that is never closed", Span(place, end), help="close the pattern with /")
            return end
        return self._add("regex", place, found.end())

    def _variable(self, place: int, found: re.Match[str]) -> int:
        if not found.group().endswith("{"):
            return self._add("variable", place, found.end())
        closed = _DEFAULTED.match(self._text, place)
        if closed is None:
            self._diagnostics.error("E202", "this ?{ is never closed", found_span := Span(place, place + 2), help="write ?{name=default}")
            return found_span.end
        return self._add("variable", place, closed.end())

    def _sign(self, sign: str, place: int) -> int:
        if sign == "(":
            self._open_call(place)
        elif sign == "[":
            self._push(self._mode)
        elif sign == "{":
            self._push(FILTER)
        elif sign in (")", "]", "}") and len(self._modes) > 1:
            self._modes.pop()
            self._bases.pop()
        elif sign == ":=":
            self._modes[-1] = EXPRESSION
        elif sign in ("|", ";", "=>"):
            self._modes[-1] = self._bases[-1]
        return self._add("sign", place, place + len(sign))

    def _push(self, mode: str) -> None:
        self._modes.append(mode)
        self._bases.append(mode)

    def _open_call(self, place: int) -> None:
        last = self._tokens[-1] if self._tokens else None
        if last is None or not is_call(last, Token("sign", "(", Span(place, place + 1)), self._calls):
            saved = last is not None and last.kind == "saved"
            self._push(ARGUMENTS if saved else self._mode)
            return
        self._push(EXPRESSION if last.text.lower() in EXPRESSION_FUNCTIONS else ARGUMENTS)

    def _word(self, place: int) -> int:
        if self._mode == EXPRESSION and (number := _NUMBER.match(self._text, place)):
            return self._add("word", place, number.end())
        plain = _PLAIN.match(self._text, place)
        at = plain.end() if plain else place
        while at < len(self._text):
            step = self._word_part(at, place)
            if step == 0:
                break
            at += step
        if at > place:
            return self._add("word", place, at)
        char = self._text[place]
        shown = char if char.isprintable() else f"U+{ord(char):04X}"
        self._diagnostics.error("E201", f"the character {shown!r} cannot stand here", Span(place, place + 1))
        return place + 1

    def _word_part(self, at: int, start: int) -> int:
        """Return how many characters at `at` belong to the word that began at `start`."""
        char, following = self._text[at], self._text[at + 1 : at + 2]
        if char == "`" and (quoted := _QUOTED_PART.match(self._text, at)):
            return quoted.end() - at
        if char == "[" and at > start and (index := _INDEX.match(self._text, at)):
            return index.end() - at
        if char in _STOP or char.isspace():
            return 0
        if char == "!" and (following == "=" or at == start):
            return 0
        if char == "/" and following in ("/", "*"):
            return 0
        return self._by_mode(char, following, at, start)

    def _by_mode(self, char: str, following: str, at: int, start: int) -> int:
        joined = at > start and bool(following) and (following.isalnum() or following == "_")
        if char == "\\" and following and following not in "\r\n":
            return 2 if following in _STOP - {'"'} or following in "\\*" else 1
        if self._mode == EXPRESSION:
            return 1 if char.isalnum() or char in "_@#&.\\$" or char > "\x7f" or (char == ":" and joined) else 0
        if self._mode == ARGUMENTS:
            if char == ":":
                return 1 if joined or following in ("/", ":", "\\", "*") else 0
            if char == "/":
                return 1 if self._text[start].isdigit() or joined else 0
            return 0 if char == "+" or (char == "-" and at > start and not joined and following != "*") else 1
        if char == ":" and following == "=":
            return 0
        return 1


def is_call(name: Token, opened: Token, calls: frozenset[str]) -> bool:
    """True when a name and the bracket after it are a function call.

    With blanks between it is one only for a name that a function has; `error (a or b)` is two filters.
    """
    if name.kind != "word" or not _NAME.match(name.text) or opened.text != "(":
        return False
    adjacent = name.span.end == opened.span.start
    if name.text.lower() in ("and", "or", "not"):
        return False
    return adjacent or name.text.lower() in calls
