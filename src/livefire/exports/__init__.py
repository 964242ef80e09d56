"""Detections as each product deploys them. A target is one row of `TARGETS` and one module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from livefire.exports.model import Artefact, Subject

Write = Callable[[Sequence[Subject]], tuple[Artefact, ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """What is written for a product: from rules in these languages, under this version of ATT&CK unless another is asked for.

    `samples` says that events come with a rule, by which the product tests it.
    """

    name: str
    title: str
    languages: tuple[str, ...]
    attack: str
    module: str
    function: str
    samples: bool = False

    def write(self, subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
        """Return the files; QueryError E510 for what the product would refuse."""
        made: Write = getattr(import_module(f"livefire.exports.{self.module}"), self.function)
        return made(subjects)


TARGETS: tuple[Target, ...] = (
    Target("sentinel", "Microsoft Sentinel analytics rules, YAML", ("kql",), "v18", "sentinel", "as_yaml"),
    Target("sentinel-arm", "Microsoft Sentinel analytics rules, ARM template", ("kql",), "v18", "sentinel", "as_arm"),
    Target("sentinel-bicep", "Microsoft Sentinel analytics rules, Bicep", ("kql",), "v18", "sentinel", "as_bicep"),
    Target("elastic", "Elastic detection rules, TOML", ("eql", "esql"), "v18", "elastic", "as_toml"),
    Target("kibana", "Elastic detection rules, NDJSON that Kibana imports", ("eql", "esql"), "v18", "kibana", "as_ndjson"),
    Target("splunk", "Splunk saved searches, savedsearches.conf", ("spl",), "v18", "splunk", "as_conf"),
    Target("contentctl", "Splunk security content, contentctl YAML", ("spl",), "v18", "contentctl", "as_files", samples=True),
    Target("logscale", "LogScale package", ("cql",), "v18", "logscale", "as_package"),
    Target("sigma", "Sigma rules, YAML", ("sigma",), "v18", "sigma", "as_yaml"),
    Target("navigator", "ATT&CK Navigator layer 4.5", (), "v19", "navigator", "as_layer"),
)


def find(name: str) -> Target:
    """Return a target; KeyError for a name that no target has."""
    return next(t for t in TARGETS if t.name == name) if any(t.name == name for t in TARGETS) else _unknown(name)


def _unknown(name: str) -> Target:
    raise KeyError(name)


__all__ = ["TARGETS", "Artefact", "Subject", "Target", "find"]
