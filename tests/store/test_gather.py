"""Columns whose values recur come out of a stored file as they went in."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from livefire.logsources.columns import Repeated, Values
from livefire.logsources.reader import Batch
from livefire.logsources.registry import source
from livefire.store.disk import Disk
from livefire.store.gather import NUMBER, SMALL, Gathered
from livefire.store.table import write_rows

CLOUDTRAIL = source("aws_cloudtrail")
DICE = random.Random(3)  # noqa: S311  # the same columns each time


def column(kind: str, size: int) -> Values:
    places = [DICE.randrange(5) for _ in range(size)]
    match kind:
        case "same value twice":
            return Repeated(["a", "b", "a", None, "b"], places)
        case "several nulls":
            return Repeated([None, "x", None, None, "y"], places)
        case "nothing":
            return Repeated([None], [0] * size)
        case "other values":
            return Repeated([DICE.choice(["a", "q", None, "z"]) for _ in range(5)], places)
        case _:
            return [DICE.choice(["a", None, "long " * 40]) for _ in range(size)]


KINDS = ("same value twice", "several nulls", "nothing", "other values", "plain")
NAMED = ("event_name", "identity_arn", "error_code", "identity", "request")


@pytest.mark.parametrize("sizes", [(SMALL,), (SMALL, SMALL * 2, SMALL), (3, SMALL, 7), (SMALL, 5)])
def test_what_goes_in_comes_out(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    gathered = Gathered(CLOUDTRAIL)
    expected: dict[str, list[object]] = {name: [] for name in NAMED}
    for number, size in enumerate(sizes):
        named = {name: column(KINDS[(at + number) % len(KINDS)], size) for at, name in enumerate(NAMED)}
        rest: dict[str, Values] = {f.name: Repeated([None], [0] * size) for f in CLOUDTRAIL.schema if f.name not in (*NAMED, "_file")}
        gathered.add(Batch(CLOUDTRAIL, "cloudtrail", {**rest, **named}, size, 0), f"file {number}", number)
        for name, values in named.items():
            expected[name] += list(values)
    table = gathered.table()
    assert table.column(NUMBER).to_pylist() == [number for number, size in enumerate(sizes) for _ in range(size)]
    part = write_rows(tmp_path, table.drop_columns([NUMBER, "_time"]), Disk())
    stored = pq.read_table(tmp_path / part.name)
    for name in NAMED:
        assert stored.column(name).to_pylist() == expected[name], name
    assert stored.column("_file").to_pylist() == [f"file {number}" for number, size in enumerate(sizes) for _ in range(size)]
