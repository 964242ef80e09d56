"""Puts what a benchmark measured into its section of docs/performance.md."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def put_section(name: str, script: str, text: str) -> None:
    """Replace a section, or add it at the end."""
    page, begin, end = PAGE.read_text(encoding="utf-8"), f"<!-- {name}: made by {script} -->", f"<!-- /{name} -->"
    section = f"{begin}\n{text}\n{end}"
    if begin in page and end in page:
        before, _, rest = page.partition(begin)
        page = before + section + rest.partition(end)[2]
    else:
        page = page.rstrip() + f"\n\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")
