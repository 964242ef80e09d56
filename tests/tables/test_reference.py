"""The page of tables is what the files say."""

import tomllib
from pathlib import Path

from livefire.tables import declarations
from livefire.tables.declaration import declare
from livefire.tables.loader import build
from livefire.tables.reference import reference
from livefire.tables.values import CONDITIONS, TYPED_VERBS, VERBS
from tests.tables import examples as x
from tests.tables.shown import shown


def test_the_page_names_every_table_and_shown_column() -> None:
    page = reference()
    for table in declarations():
        assert f"`{table.name}`" in page
        assert all(f"| `{c.name}` | {c.type.value} |" in page for c in table.columns if not c.hidden)


def test_the_page_marks_the_table_that_no_product_writes() -> None:
    assert reference().count("**Compatibility table**") == sum(bool(t.compatibility) for t in declarations()) == 1


def test_the_guide_names_every_verb_and_condition() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "table-files.md").read_text()
    for word in (*VERBS, *TYPED_VERBS, *CONDITIONS):
        assert f"{{ {word} = " in guide, word


def test_the_guide_s_own_file_is_a_table() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "table-files.md").read_text()
    said = tomllib.loads(guide.split("```toml")[1].split("```")[0])
    found = build(declare(said, {}))
    assert found.time == "When"
    # [raw] adds the hot columns under the names of the event.
    assert {"Action", "Outcome", "raw.eventName", "raw.userIdentity.arn"} <= set(found.schema.names)
    rows = shown(found, [x.AWS_CALL, x.AWS_FAILURE, x.AWS_READ], "Action", "Outcome")
    assert [tuple(r.values()) for r in rows] == [("RunInstances", "success"), ("RunInstances", "failure")]
