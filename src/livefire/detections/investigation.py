"""Investigations: the queries of a guide, run for one finding's identities, resources, addresses and time, as a case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.detections.detection import Rule
from livefire.detections.evidence import acts_of
from livefire.detections.finding import Finding
from livefire.detections.runner import run_rule
from livefire.logsources.acts import Act

if TYPE_CHECKING:
    from livefire.detections.runner import Bench

GUIDE = "investigate.md"
_STEP = re.compile(r"^## (?:\d+\. )?(?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_QUERY = re.compile(r"^```(?P<language>kql|cql|eql|esql|spl)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\{\{(?P<name>[a-z]+)\}\}")
_AROUND = timedelta(days=1)
_MOST = 6
"""How many identities, resources or addresses one step is asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """One step of a guide: a title, why it is asked, and its query, empty where the step is words only."""

    title: str
    why: str
    language: str
    text: str

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The names the query is filled with, times left out."""
        return tuple(dict.fromkeys(m["name"] for m in _NAME.finditer(self.text) if m["name"] not in ("start", "end")))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out of one question for some values; `refused` says why it could not be asked."""

    question: Question
    values: tuple[tuple[str, str], ...]
    rows: tuple[dict[str, Any], ...]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One finding looked into: who, from where, what was touched, everything around it in order, and what to do in which order.

    `reached` are resources that hang together with the finding's through acts around it; `preserve` comes before `contain`.
    """

    finding: Finding
    start: datetime
    end: datetime
    principals: tuple[str, ...]
    addresses: tuple[str, ...]
    resources: tuple[str, ...]
    timeline: tuple[Act, ...]
    reached: tuple[str, ...]
    answers: tuple[Answer, ...]
    preserve: tuple[str, ...]
    contain: tuple[str, ...]


def read_guide(path: Path) -> tuple[Question, ...]:
    """Return the steps of a guide; OSError when it cannot be read."""
    steps = []
    for match in _STEP.finditer(path.read_text(encoding="utf-8")):
        query = _QUERY.search(match["body"])
        why = _QUERY.sub("", match["body"]).strip()
        steps.append(Question(match["title"].strip(), why, query["language"] if query else "", query["text"] if query else ""))
    return tuple(steps)


def investigate(finding: Finding, folder: Path, bench: Bench, story: Sequence[Act]) -> Case:
    """Ask the guide in the folder of a detection or chain about a finding and return the case; `story` are the acts to draw the timeline from.

    What the log says is put into a query as a quoted value, never as text of the query.
    """
    behind = sorted(acts_of(finding.evidence, bench).values(), key=lambda a: (a.time, a.event))
    times = [a.time for a in behind] or [finding.time or bench.now]
    start, end = min(times) - _AROUND, max(times) + _AROUND
    names = {
        "actor": _each(a.actor for a in behind),
        "resource": _each(r for a in behind for r in a.resources),
        "address": _each(a.address for a in behind),
    }
    around = [a for a in story if start <= a.time <= end]
    timeline = tuple(a for a in around if a.actor in names["actor"] or set(a.resources) & set(names["resource"]))
    touched = _each(r for a in timeline for r in a.resources)
    reached = tuple(r for r in _grow(names["resource"], around) if r not in names["resource"])
    answers = tuple(_ask(q, names, (start, end), bench) for q in read_guide(folder / GUIDE) if q.text)
    whole = tuple(dict.fromkeys((*names["resource"], *reached)))
    return Case(
        finding=finding,
        start=start,
        end=end,
        principals=names["actor"],
        addresses=names["address"],
        resources=touched or names["resource"],
        timeline=timeline,
        reached=reached,
        answers=tuple(a for group in answers for a in group),
        preserve=_preserve(whole),
        contain=_contain(names["actor"], whole),
    )


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if v))


def _grow(seeds: Sequence[str], acts: Sequence[Act]) -> tuple[str, ...]:
    """Return what hangs together with some resources through what was made from what, in either direction."""
    reached = dict.fromkeys(seeds)
    links = [link for a in acts for link in a.links]
    grew = True
    while grew:
        grew = False
        for link in links:
            for here, there in ((link.parent, link.child), (link.child, link.parent)):
                if here in reached and there not in reached:
                    reached[there] = None
                    grew = True
    return tuple(reached)


def _ask(question: Question, names: dict[str, tuple[str, ...]], span: tuple[datetime, datetime], bench: Bench) -> tuple[Answer, ...]:
    wanted = [names.get(n, ())[:_MOST] for n in question.asks_for]
    return tuple(_answer(question, dict(zip(question.asks_for, values, strict=True)), span, bench) for values in product(*wanted))


def _answer(question: Question, values: dict[str, str], span: tuple[datetime, datetime], bench: Bench) -> Answer:
    text = fill(question, values, span)
    outcome = run_rule(Rule(question.title, question.language, text), bench)
    return Answer(question, tuple(values.items()), outcome.rows, outcome.reason)


def fill(question: Question, values: dict[str, str], span: tuple[datetime, datetime]) -> str:
    """Return a step's query for some values: each stands inside quotes, and what would end them is escaped."""
    moments = {"start": f"{span[0]:%Y-%m-%dT%H:%M:%S}Z", "end": f"{span[1]:%Y-%m-%dT%H:%M:%S}Z"}
    return _NAME.sub(lambda m: moments.get(m["name"]) or _escaped(values.get(m["name"], "")), question.text)


def _escaped(value: str) -> str:
    plain = "".join(c for c in value if c.isprintable())
    return plain.replace("\\", "\\\\").replace('"', '\\"')


# what to keep before what to end: a stopped or deleted machine tells nothing any more

_KINDS = (
    ("i-", "instance"), ("vol-", "disk"), ("snap-", "copy"), ("ami-", "image"), ("/virtualmachines/", "instance"), ("/snapshots/", "copy"),
    ("/disks/", "disk"), ("/images/", "image"), ("/instances/", "instance"), ("/restorepoint", "copy"),
)  # fmt: skip


def kind_of(resource: str) -> str:
    """Return instance, disk, copy or image by a resource's name, empty when it is something else."""
    name = resource.lower()
    return next((kind for part, kind in _KINDS if (name.startswith(part) if part.endswith("-") else part in name)), "")


def _preserve(resources: Sequence[str]) -> tuple[str, ...]:
    order = (("instance", "record the memory and snapshot the disks of"), ("disk", "snapshot"), ("copy", "keep, and lock against deletion,"), ("image", "keep"))
    return tuple(f"{verb} {r}" for kind, verb in order for r in resources if kind_of(r) == kind)


def _contain(actors: Sequence[str], resources: Sequence[str]) -> tuple[str, ...]:
    steps: Iterator[str] = (f"revoke the sessions and disable the keys of {a}" for a in actors)
    shares = (f"take back every share and download link of {r}" for r in resources if kind_of(r) in ("copy", "image"))
    machines = (f"isolate {r} from the network; stop it only after its memory and disks are kept" for r in resources if kind_of(r) == "instance")
    return (*steps, *shares, *machines)
