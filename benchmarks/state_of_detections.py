"""What `check` says of published rules for the clouds' audit logs: how many are rejected, can never fire, have dead clauses, count in fixed buckets.

Run from the project's folder: `python benchmarks/state_of_detections.py RULES… [--out FILE] [--page docs/state-of-detections.md]`.
RULES are files of one JSON object a line: the rule as `query` (`query_expanded` where macros are filled in), its `language`,
`name`, `source`, and in `cloud` the clouds whose logs it reads; rules that read none are left out. `--out` writes every finding
with its clause, to be read by people; the page names rules and says what is wrong with them in our words, and holds no rule.
`findings_by_hand.json` holds what people said of the draws.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livefire import Workspace
from livefire.diagnostics import Diagnostic
from livefire.languages import REGISTRY
from livefire.lint import checks

NOTE = "<!-- Made by `python benchmarks/state_of_detections.py RULES… --page docs/state-of-detections.md`; edit the code, not this page. -->"
NEVER = frozenset({"E650", "W641", "W602", "W601", "W603", "E605", "W621", "W622", "W628", "W629", "W630", "W690"})
DEAD = frozenset({"W651", "W652", "W654", "N654", "W655", "W686"})
BUCKETS = frozenset({"W667"})
HAND = Path(__file__).parent / "findings_by_hand.json"


@dataclass(frozen=True)
class Told:
    """A rule with what was said of it."""

    name: str
    source: str
    language: str
    text: str
    said: tuple[Diagnostic, ...]

    def has(self, codes: frozenset[str]) -> bool:
        """True where one of these was said."""
        return any(d.code in codes for d in self.said)

    @property
    def rejected(self) -> bool:
        """True where the product itself would not take the rule, or a name in it; a rule over further logs is not judged."""
        return not self.further and any(d.severity == "error" and d.code[1] in "12" for d in self.said)

    @property
    def further(self) -> bool:
        """True where the rule reads, or joins, logs that are not held here."""
        return any(d.code == "E101" for d in self.said)

    @property
    def never(self) -> bool:
        """True where a clause that is required can never be true; an operation or column is judged by the words of the message."""
        return self.has(NEVER) or any(d.code == "W600" and "never true" in d.message for d in self.said)


def main() -> None:
    """Check and write."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("rules", type=Path, nargs="+")
    said.add_argument("--out", type=Path)
    said.add_argument("--page", type=Path)
    given = said.parse_args()
    told = read(given.rules)
    if given.out is not None:
        codes = {c.code for c in checks()}
        found = [
            {"name": t.name, "language": t.language, "code": d.code, "clause": t.text[d.span.start : d.span.end], "message": d.message, "text": t.text}
            for t in told
            for d in t.said
            if d.code in codes
        ]
        given.out.write_text(json.dumps(found, indent=0), encoding="utf-8")
    text = page(told)
    print(text)
    if given.page is not None:
        given.page.write_text(text, encoding="utf-8")


def read(paths: list[Path]) -> list[Told]:
    """Return every rule for the three clouds' audit logs that a file holds, with what `check` says of it."""
    ws = Workspace()
    told = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            rule: dict[str, Any] = json.loads(line)
            text = rule.get("query_expanded") or rule.get("query")
            if text and rule.get("cloud") and rule.get("language") in REGISTRY and not rule.get("deprecated"):
                source = str(rule.get("source", "")).partition("@")[0].partition(" (")[0]
                told.append(Told(str(rule["name"]), source, str(rule["language"]), text, tuple(ws.check(text, rule["language"]))))
    return told


def page(told: list[Told]) -> str:
    """Return the report."""
    lines = [NOTE, "", "# The state of published cloud detections", ""]
    lines += [f"`livefire check` over {len(told):,} published rules that read audit logs of AWS, Azure or Google Cloud, as they are published: queries in"]
    lines += ["Sentinel's, Elastic's, Splunk's and LogScale's languages and Sigma. *Rejected* are rules that name what the product's published tables do not"]
    lines += ["have, or that its grammar does not take; rules that read further logs, of which livefire holds no table, stand apart and are not judged for it."]
    lines += ["*Never true* counts rules with a clause that no event meets, *dead clauses* those with one that chooses nothing.", ""]
    lines += ["| language | rules | read further logs | rejected | a clause never true | dead clauses | fixed buckets |", "|---|--:|--:|--:|--:|--:|--:|"]
    for language in (*sorted({t.language for t in told}), ""):
        of = [t for t in told if language in ("", t.language)]
        numbers = (
            len(of),
            sum(t.further for t in of),
            sum(t.rejected for t in of),
            sum(t.never for t in of),
            sum(t.has(DEAD) for t in of),
            sum(t.has(BUCKETS) for t in of),
        )
        lines.append(f"| {language or 'all'} | " + " | ".join(f"{x:,}" for x in numbers) + " |")
    titles = {c.code: c.title for c in checks()}
    rules = Counter(code for t in told for code in {d.code for d in t.said} if code in titles)
    lines += ["", "## By check", "", "| check | | rules |", "|---|---|--:|"]
    lines += [f"| {code} | {titles[code]} | {number:,} |" for code, number in rules.most_common()]
    return "\n".join([*lines, "", *by_hand()])


def by_hand() -> list[str]:
    """Return the draws that people checked, and the last of them finding by finding."""
    if not HAND.exists():
        return []
    known = json.loads(HAND.read_text(encoding="utf-8"))
    draws, listed = known["draws"], known["findings"]
    last = draws[-1]
    lines = ["## Read against the rule", ""]
    lines += [f"Of the last draw, {last['of']} findings, {last['right']} are right ({last['right'] / last['of']:.0%}). Each draw is made anew over all checks,"]
    lines += [
        "one of each check before a second of any, and leaves out what an earlier one held; what it showed of false findings was mended before the next.",
    ]
    lines += [
        "The later draws are for the most part from rules that are not among those above: those of other public collections, which no check was made on.",
        "",
    ]
    lines += ["| draw | findings | right | | of other collections | then mended |", "|---|--:|--:|--:|--:|---|"]
    for number, draw in enumerate(draws, 1):
        lines.append(f"| {number} | {draw['of']} | {draw['right']} | {draw['right'] / draw['of']:.0%} | {draw.get('unseen', 0)} | {draw['mended']} |")
    lines += ["", "### The last draw", "", "| rule | language | check | right | why |", "|---|---|---|---|---|"]
    lines += [f"| {f['name']} | {f['language']} | {f['code']} | {'yes' if f['right'] else 'no'} | {f['why']} |" for f in listed]
    return [*lines, ""]


if __name__ == "__main__":
    main()
