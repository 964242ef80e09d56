"""Documents as text: YAML with block texts, TOML, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def yaml_text(value: Any) -> str:
    """Return a document as YAML, keys in their order, texts of several lines as blocks."""
    import yaml

    class Writer(yaml.SafeDumper):
        """Indents lists below their key, and never shares parts."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # the library names it
            """Indent a list like a map."""
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the library names it
            """Write equal parts out each time."""
            return True

    def text(writer: yaml.SafeDumper, said: str) -> yaml.Node:
        # A block keeps no blanks at the end of a line, and none but printable characters.
        block = "\n" in said and not re.search(r"[ \t]\n|[ \t]$|[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]", said)
        return writer.represent_scalar("tag:yaml.org,2002:str", said, style="|" if block else None)

    Writer.add_representer(str, text)
    found: str = yaml.dump(value, Dumper=Writer, sort_keys=False, allow_unicode=True, width=1000)
    return found


def json_text(value: Any) -> str:
    """Return a document as JSON in lines."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def toml_text(value: Mapping[str, Any]) -> str:
    """Return a document as TOML: values first, then tables and lists of tables."""
    return "\n".join(_table(value, ())).strip("\n") + "\n"


def _table(value: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(k)} = {_value(v)}" for k, v in value.items() if not isinstance(v, Mapping) and not _tables(v)]
    for key, inner in value.items():
        name = ".".join(_key(p) for p in (*path, key))
        if isinstance(inner, Mapping):
            lines += ["", f"[{name}]", *_table(inner, (*path, key))]
        elif _tables(inner):
            for one in inner:
                lines += ["", f"[[{name}]]", *_table(one, (*path, key))]
    return lines


def _tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    text = str(value)
    if "\n" in text and "'''" not in text and not text.endswith("'") and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        return f"'''\n{text}\n'''"
    return _text(text)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
