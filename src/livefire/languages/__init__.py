"""The languages livefire reads. Adding one is a folder and a line here."""

from __future__ import annotations

from importlib import import_module

from livefire.languages.base import Context, Language

REGISTRY: dict[str, str] = {
    "kql": "livefire.languages.kql",
    "cql": "livefire.languages.cql",
    "eql": "livefire.languages.eql",
    "esql": "livefire.languages.esql",
    "kuery": "livefire.languages.kuery",
    "lucene": "livefire.languages.lucene",
    "spl": "livefire.languages.spl",
    "sigma": "livefire.languages.sigma",
}
SUFFIXES: dict[str, str] = {
    ".kql": "kql",
    ".cql": "cql",
    ".eql": "eql",
    ".esql": "esql",
    ".kuery": "kuery",
    ".lucene": "lucene",
    ".spl": "spl",
    ".yml": "sigma",
    ".yaml": "sigma",
}

__all__ = ["REGISTRY", "SUFFIXES", "Context", "Language", "find"]


def find(name: str) -> Language:
    """Return a language by name, loading it; KeyError if there is none of that name."""
    module = import_module(REGISTRY[name])
    language: Language = module.LANGUAGE
    return language
