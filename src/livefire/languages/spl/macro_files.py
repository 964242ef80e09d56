"""Macros declared in files: macros.conf, or the YAML of contentctl.

https://docs.splunk.com/Documentation/Splunk/latest/Admin/Macrosconf
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_LARGEST = 1_000_000
_STANZA = re.compile(r"\[(?P<name>[^\]]+)\]\s*")
_SETTING = re.compile(r"(?P<key>[A-Za-z_.]+)\s*=\s*(?P<value>.*)", re.DOTALL)


class MacroFileError(ValueError):
    """A file of macros cannot be read; the text names it and says why."""


def read_macros(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the macros below a folder (or in one file) by name, `name(2)` where two arguments are taken.

    A later file in order of path takes the place of an earlier one of the same name, and one of a
    folder `local` that of one elsewhere. MacroFileError for a file that is no such file, OSError for one that cannot be read.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for path, text in texts(folder, "macros.conf"):
        found.update(_of_conf(text) if path.suffix == ".conf" else _of_yaml(text, path.name))
    return found


def texts(folder: Path, conf: str) -> Iterator[tuple[Path, str]]:
    """Yield the files of a name and the YAML files below a folder (or one file) with their texts, those of a folder `local` last."""
    paths = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.name == conf or p.suffix in (".yml", ".yaml"))
    for path in sorted(paths, key=lambda p: ("local" in p.parts, str(p))):
        if path.stat().st_size > _LARGEST:
            raise MacroFileError(f"{path.name} is larger than {_LARGEST:,} bytes")
        yield path, path.read_text(encoding="utf-8-sig", errors="replace")


def _of_conf(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, settings in stanzas(text):
        yield from _conf_macro(name, settings)


def stanzas(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the stanzas of a .conf file: name, and settings by their names in small letters."""
    name, settings = "", dict[str, str]()
    for line in _logical_lines(text):
        stanza = _STANZA.fullmatch(line)
        if stanza:
            yield name, settings
            name, settings = stanza["name"].strip(), {}
            continue
        setting = _SETTING.match(line)
        if setting and not line.startswith("#"):
            settings[setting["key"].lower()] = setting["value"].strip()
    yield name, settings


def _logical_lines(text: str) -> Iterator[str]:
    """Yield the lines; a backslash at the end of one goes on with the next."""
    waiting = ""
    for line in text.splitlines():
        if line.rstrip().endswith("\\"):
            waiting += line.rstrip()[:-1] + "\n"
            continue
        yield (waiting + line).strip()
        waiting = ""
    if waiting:
        yield waiting.strip()


def _conf_macro(name: str, settings: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if name and name != "default" and "definition" in settings:
        yield (
            name,
            {
                "definition": settings["definition"],
                "args": tuple(a.strip() for a in settings.get("args", "").split(",") if a.strip()),
                "computed": settings.get("iseval", "0").lower() in ("1", "true", "t", "yes"),
            },
        )


def yaml_of(text: str, file: str) -> dict[str, Any]:
    """Return the mapping that a YAML text is, an empty one for anything else; MacroFileError for what is no YAML."""
    import yaml

    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise MacroFileError(f"{file} is no YAML: {str(problem).splitlines()[0]}") from problem
    return said if isinstance(said, dict) else {}


def _of_yaml(text: str, file: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    said = yaml_of(text, file)
    if isinstance(said.get("name"), str) and isinstance(said.get("definition"), str):
        arguments = tuple(str(a) for a in said.get("arguments") or ())
        name = said["name"] if not arguments else f"{said['name']}({len(arguments)})"
        yield name, {"definition": said["definition"], "args": arguments, "computed": False}
