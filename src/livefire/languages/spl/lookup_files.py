"""How lookups match, declared in files: transforms.conf, or the YAML of contentctl.

https://docs.splunk.com/Documentation/Splunk/latest/Admin/Transformsconf
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from livefire.languages.spl.macro_files import stanzas, texts, yaml_of

_MATCH = re.compile(r"(?P<kind>WILDCARD|CIDR|EXACT)\s*\(\s*(?P<field>[^()]+?)\s*\)", re.IGNORECASE)
# No lookup gives an event more rows than this.
_ROWS = 1000
_FALSE = ("0", "false", "f", "no")


def read_lookup_definitions(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the lookups that files below a folder (or one file) define, by name.

    Each says its `table`, the `kinds` of match by field (`wildcard`, `cidr`; any other field is compared as it is), whether `case`
    counts, and the `least` and `most` rows with the `default` value. MacroFileError for a file that is no such file, OSError
    for one that cannot be read.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for path, text in texts(folder, "transforms.conf"):
        if path.name == "transforms.conf":
            found.update((name, _definition(said)) for name, said in stanzas(text) if "filename" in said)
        elif path.suffix != ".conf":
            found.update(_of_yaml(text, path.name))
    return found


def _of_yaml(text: str, file: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    said = yaml_of(text, file)
    if isinstance(said.get("name"), str) and isinstance(said.get("filename"), str):
        match = said.get("match_type")
        listed = ", ".join(str(x) for x in match) if isinstance(match, list) else match
        yield said["name"], _definition({str(k): str(v) for k, v in {**said, "match_type": listed or ""}.items()})


def _definition(said: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "table": said["filename"],
        "kinds": {m["field"]: m["kind"].lower() for m in _MATCH.finditer(said.get("match_type", ""))},
        "case": said.get("case_sensitive_match", "true").strip().lower() not in _FALSE,
        "least": _count(said.get("min_matches", ""), 0),
        "most": _count(said.get("max_matches", ""), _ROWS),
        "default": said.get("default_match", ""),
    }


def _count(text: str, otherwise: int) -> int:
    return min(int(text), _ROWS) if text.strip().isdecimal() and len(text.strip()) < 7 else otherwise
