"""A second reading of the Kibana Query Language, over one document: no plan, no SQL, no line shared with the language.

A document is a flat object: dotted names to a value or a list of values. It knows keywords, numbers and
CIDR blocks, which is what rules on cloud logs compare; dates and nested fields are not read.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
Test = Callable[[Document], bool]

_TOKEN = re.compile(r'\s+|"((?:\\.|[^"\\])*)"|([(){}:]|<=|>=|<|>)|((?:\\.|[^\s\\(){}:<>"])+)')


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the tokens of a query: quoted texts, signs, words and the keywords."""
    found = []
    for match in _TOKEN.finditer(text):
        quoted, sign, word = match.groups()
        if quoted is not None:
            found.append(("quoted", re.sub(r'\\(["\\])', r"\1", quoted)))
        elif sign:
            found.append(("sign", sign))
        elif word:
            found.append(("key", word.lower()) if word.lower() in ("and", "or", "not") else ("word", word))
    return found


class Reader:
    """Reads a query into a test of documents; `fields` gathers each field with the literals it is compared with."""

    def __init__(self, text: str) -> None:
        self.left = tokens(text)[::-1]
        self.fields: dict[str, list[str]] = {}

    def peek(self) -> tuple[str, str]:
        return self.left[-1] if self.left else ("end", "")

    def take(self, *token: str) -> bool:
        if self.peek() == token:
            self.left.pop()
            return True
        return False

    def query(self) -> Test:
        found = self.joined(self.condition)
        assert not self.left, self.left[::-1]
        return found

    def joined(self, one: Callable[[], Test]) -> Test:
        """Read alternatives of conjunctions of a kind of condition, negated or not."""
        alternatives: list[list[Test]] = []
        while True:
            parts = [self.maybe_not(one)]
            while self.take("key", "and"):
                parts.append(self.maybe_not(one))
            alternatives.append(parts)
            if not self.take("key", "or"):
                return lambda d: any(all(p(d) for p in parts) for parts in alternatives)

    def maybe_not(self, one: Callable[[], Test]) -> Test:
        if self.take("key", "not"):
            inner = self.maybe_not(one)
            return lambda d: not inner(d)
        if self.take("sign", "("):
            found = self.joined(one)
            assert self.take("sign", ")")
            return found
        return one()

    def literal(self) -> tuple[str, bool]:
        """Return a value as the regular expression of the texts that it stands for, and whether it was quoted."""
        kind, text = self.left.pop()
        if kind == "quoted":
            return re.escape(text), True
        words = [text]
        while self.peek()[0] == "word":
            words.append(self.left.pop()[1])
        parts = re.findall(r"\\.|\*|[^\\*]", " ".join(words), re.DOTALL)
        return "".join(".*" if p == "*" else re.escape(p[1:] if p.startswith("\\") else p) for p in parts), False

    def condition(self) -> Test:
        field = self.left.pop()[1]
        literals = self.fields.setdefault(field, [])
        sign = self.left.pop()[1]
        if sign != ":":
            bound = float(self.left.pop()[1])
            compare = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}[sign]
            literals.append(str(bound))
            return lambda d: any(compare(float(v), bound) for v in values(d, field))

        def value() -> Test:
            pattern, quoted = self.literal()
            literals.append(pattern)
            if pattern == ".*" and not quoted:
                return lambda d: bool(values(d, field))
            return lambda d: any(fits(v, pattern) for v in values(d, field))

        return self.maybe_not_list(value)

    def maybe_not_list(self, value: Callable[[], Test]) -> Test:
        if self.take("sign", "("):
            found = self.joined(value)
            assert self.take("sign", ")")
            return found
        return value()


def values(document: Document, name: str) -> list[Any]:
    """Return the values of a field, of every field where the name has a `*`."""
    glob = re.compile(".*".join(re.escape(p) for p in name.split("*")))
    found: list[Any] = []
    for key, value in document.items():
        if glob.fullmatch(key):
            found += [v for v in (value if isinstance(value, list) else [value]) if v is not None]
    return found


def fits(value: Any, pattern: str) -> bool:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if re.fullmatch(pattern, text, re.DOTALL):
        return True
    plain = pattern.replace("\\", "")
    if "/" in plain:
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(plain)
        except ValueError:
            return False
    return False


def documents(fields: Mapping[str, list[str]], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield documents whose values are made of a query's own literals, near misses among them."""
    chance = random.Random(seed)  # noqa: S311 - examples, not secrets

    def one(name: str) -> Any:
        # The text that a literal's pattern fits: the stars filled, the backslashes taken out.
        text = re.sub(r"\\(.)", r"\1", chance.choice(fields[name] or ["x"]).replace(".*", chance.choice(("", "a", "Zed/9"))))
        change = chance.random()
        return text if change < 0.8 else text.swapcase() if change < 0.9 else "other"

    for _ in range(count):
        found: dict[str, Any] = {}
        for name in fields:
            kind = chance.random()
            key = name.replace("*", "0")
            found[key] = None if kind < 0.12 else [one(name), one(name)] if kind < 0.25 else [] if kind < 0.28 else one(name)
        yield found
