"""The page of the T1578 pack: what fires, what does not, what to do next. Made from cards and emulations; the slow tests prove it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livefire.detections.chain import Chain, load_chains
from livefire.detections.detection import LANGUAGES, Detection
from livefire.detections.pack import BUNDLED, load_packs
from livefire.emulation.catalogue import emulations, find
from livefire.emulation.model import Emulation, Kind

PACK = "src/livefire/packs/t1578"
NAMES = {"kql": "Sentinel KQL", "cql": "LogScale CQL", "eql": "Elastic EQL", "esql": "Elastic ES\\|QL", "spl": "Splunk SPL", "sigma": "Sigma"}
TITLES = {
    "T1578": "T1578 Modify Cloud Compute Infrastructure",
    "T1578.001": "T1578.001 Create Snapshot",
    "T1578.002": "T1578.002 Create Cloud Instance",
    "T1578.003": "T1578.003 Delete Cloud Instance",
    "T1578.004": "T1578.004 Revert Cloud Instance",
    "T1578.005": "T1578.005 Modify Cloud Compute Configurations",
}
INTRO = """# T1578 Modify Cloud Compute Infrastructure: the pack

An intruder with cloud credentials does not break into servers. He copies their disks, mounts the copies in machines of
his own, deletes or reverts what he used, and lifts the limits in his way. The cloud logs all of it as ordinary
administration. This pack finds it in AWS CloudTrail, Azure Activity and Google Cloud Audit Logs, with the same
detections in the languages of five products and Sigma.

- **Fires** on every attack named below, in every language that is not excepted; `livefire prove t1578` shows it, and `--respelled` that it
  stays so where Azure writes names in small letters and `Succeeded` for `Success`, and Google another version of its API.
- **Stays silent** on what looks like it: pipelines, backup services, auto scaling, drills. They are named too.
- **The same in every language**: what two languages find is compared by the act it rests on. Where a language cannot,
  the reason stands in the card and below.

To see one work: `livefire emulate T1578.004-aws-2 --out logs`, then `livefire hunt logs`. To use one: take the rule file
of your product from its folder, put your own roles and accounts in place of the example company's (the knobs), and
follow its `playbook.md` when it fires. Risk from 60 on is an alert of its own; below, it counts towards the identity.
"""


def pack_page(note: str) -> str:
    """Return the page."""
    detections, chains = load_packs(BUNDLED / "t1578"), load_chains(BUNDLED / "t1578")
    lines = [note, "", INTRO, "## Which rules there are", "", *matrix(detections), ""]
    for technique, title in TITLES.items():
        own = [d for d in detections if d.card.id.split("/")[0] == technique]
        if own:
            lines += [f"## {title}", ""]
            for detection in own:
                lines += section(detection)
    lines += ["## Chains", "", "`livefire chains LOGS` follows copies, machines and identities through the logs, whatever the language of your rules.", ""]
    for chain in chains:
        lines += chain_section(chain)
    lines += ["## Emulations", "", *stories()]
    return "\n".join(lines) + "\n"


def matrix(detections: Sequence[Detection]) -> Iterator[str]:
    """Yield the table of detections by language: how many of its attacks each rule finds; - where there is none."""
    yield "Each cell says on how many of its attacks the rule fires; `-` is a language that cannot, with the reason in the detection's section."
    yield ""
    yield "| detection | severity | risk | " + " | ".join(NAMES.values()) + " |"
    yield "|---|---|---|" + "---|" * len(NAMES)
    for d in detections:
        cells = [fires(d, language) for language in LANGUAGES]
        yield f"| [{d.card.title}](#{anchor(d.card.title)}) | {d.card.severity} | {d.card.risk.base} | " + " | ".join(cells) + " |"


def fires(detection: Detection, language: str) -> str:
    """Return on how many attacks the rules in a language fire, `-` where there are none."""
    card = detection.card
    if not detection.written_in(language):
        return "-"
    absent = {c for d in card.differs if d.language == language for c in d.cases}
    return f"{len([c for c in card.covers if c not in absent])} of {len(card.covers)}"


def anchor(title: str) -> str:
    """Return the name of a heading in a link."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


def section(detection: Detection) -> Iterator[str]:
    """Yield a detection's section."""
    card, folder = detection.card, f"../{PACK}/{detection.folder.name}"
    yield f"### {card.title}"
    yield ""
    yield f"`{card.id}`, {card.severity}, confidence {card.confidence}, risk {card.risk.base}. {card.what}"
    yield ""
    yield f"*Why it matters.* {card.why}"
    yield ""
    yield from listed("Fires on", [named(c) for c in card.covers])
    yield from listed("Silent on", [named(m.id) for m in emulations() if m.kind is Kind.LOOK_ALIKE and set(m.resembles) & set(card.covers)])
    yield from listed("Misses", card.misses)
    yield from listed("False positives", card.false_positives)
    yield from listed("Knobs", [f"`{k.name}` = `{k.default}`: {k.meaning}" for k in card.tuning])
    yield from listed("Risk", [f"{m.add:+d} when {m.when}" for m in card.risk.modifiers])
    yield from listed("Languages that differ", [f"{NAMES[d.language]}: {d.reason}" for d in card.differs])
    files = ", ".join(f"[{r.path.name}]({folder}/{r.path.name})" for r in detection.rules if r.path)
    yield f"Rules: {files}. Next: [playbook]({folder}/playbook.md), [investigation]({folder}/investigate.md), [hunts]({folder}/hunts)."
    yield ""


def chain_section(chain: Chain) -> Iterator[str]:
    """Yield a chain's section."""
    folder = f"../{PACK}/chains/{chain.id.partition('/')[2]}"
    yield f"### {chain.title}"
    yield ""
    steps = " then ".join(f"{s.name} ({', '.join(s.verbs)})" for s in chain.step)
    yield f"`{chain.id}`, {chain.severity}, risk {chain.risk.base}, within {chain.hours:g} hours. {chain.what} {chain.why}"
    yield ""
    yield f"Steps: {steps}; joined by {chain.step[-1].by}."
    yield ""
    yield from listed("Found in", [named(c) for c in chain.covers])
    yield from listed("Misses", chain.misses)
    yield from listed("False positives", chain.false_positives)
    yield f"Next: [playbook]({folder}/playbook.md), [investigation]({folder}/investigate.md)."
    yield ""


def named(emulation: str) -> str:
    """Return an emulation's title with its name."""
    found = find(emulation)
    return f"{found.title} (`{found.number or found.id}`)"


def listed(title: str, items: Sequence[str]) -> Iterator[str]:
    """Yield a titled list, nothing for an empty one."""
    if items:
        yield f"*{title}.*"
        yield ""
        yield from (f"- {item}" for item in items)
        yield ""


def stories() -> Iterator[str]:
    """Yield the tables of attacks and look-alikes."""
    for kind, title in ((Kind.ATTACK, "attack"), (Kind.LOOK_ALIKE, "look-alike")):
        chosen: list[Emulation] = [m for m in emulations() if m.kind is kind]
        yield f"{len(chosen)} {title}s; `livefire emulate NAME` shows commands, clean-up and what to look for."
        yield ""
        yield f"| {title} | name | what to look for |"
        yield "|---|---|---|"
        for m in chosen:
            telling = m.signal if kind is Kind.ATTACK else "; ".join(m.differs_by)
            yield f"| {m.title} | `{m.number or m.id}` | {telling.replace('|', chr(92) + '|')} |"
        yield ""
