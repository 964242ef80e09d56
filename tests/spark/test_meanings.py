"""Every example of every meaning gives the stated value through Spark: in its own words, or computed on its nodes."""

from __future__ import annotations

import pytest

from livefire.engines.spark import Spark
from tests.plan import test_functions as examples


@pytest.mark.slow
@pytest.mark.parametrize("constant", [True, False])
def test_examples(spark: Spark, constant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "DuckDB", lambda: spark)
    results = examples.evaluate(examples.CASES, constant=constant)
    wrong = [
        f"{name}{[v for v, _ in x.args]} gave {got!r}, expected {x.result!r}" for (name, x), got in zip(examples.CASES, results, strict=True) if got != x.result
    ]
    assert not wrong, "\n".join(wrong)
