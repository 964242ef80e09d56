"""The guide names every operator, function, aggregate and plugin, those that are refused too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livefire.languages.kql.aggregates import AGGREGATES
from livefire.languages.kql.evaluate import PLUGINS
from livefire.languages.kql.functions import FUNCTIONS
from livefire.languages.kql.steps import READERS, UNSUPPORTED

PAGE = (Path(__file__).parents[3] / "docs" / "languages" / "kql.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_][\w-]*", PAGE))


@pytest.mark.parametrize("names", [FUNCTIONS, AGGREGATES, PLUGINS, READERS, UNSUPPORTED], ids=["functions", "aggregates", "plugins", "operators", "refused"])
def test_every_name_stands_in_the_guide(names: dict[str, object]) -> None:
    # The name with a hyphen that is read as one operator is an alias of the first.
    assert sorted(set(names) - WORDS - {"reduce-by"}) == []
