"""The command line. Every command is a few lines around `Workspace`; exit codes are in `docs/cli.md`."""

from livefire.cli import program, logs, rules, checks, translations, detections, triage, proofs, coverage, history, pages, watching  # isort: skip  # each adds its commands, in the order that help shows
from livefire.cli.program import app, main
from livefire.cli.terminal import FOUND, INTERRUPTED, OK, PARTIAL, REFUSED, USAGE

__all__ = [
    "FOUND",
    "INTERRUPTED",
    "OK",
    "PARTIAL",
    "REFUSED",
    "USAGE",
    "app",
    "checks",
    "coverage",
    "detections",
    "history",
    "logs",
    "main",
    "pages",
    "program",
    "proofs",
    "rules",
    "translations",
    "triage",
    "watching",
]
