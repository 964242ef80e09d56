"""The page of tables is what the files say."""

from pathlib import Path

from livefire.tables import declarations
from livefire.tables.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == reference(), "run: make docs"


def test_the_page_names_every_table_and_shown_column() -> None:
    page = reference()
    for table in declarations():
        assert f"`{table.name}`" in page
        assert all(f"| `{c.name}` | {c.type.value} |" in page for c in table.columns if not c.hidden)
