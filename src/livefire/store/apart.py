"""Compaction and retention of much in a process of its own, so that the one that goes on is no larger for it.

What a process had at its largest it mostly keeps: allocators hold freed pages, each thread's their own. A watch runs for months and joins
files for seconds an hour. So what is not little is done by a child, which holds the lake as any other writer does and ends with its parent.
"""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from livefire.interpreter import command
from livefire.store import upkeep
from livefire.store.lake import Lake, LakeError
from livefire.store.upkeep import Upkeep

MOST_HERE = 50_000
"""Rows of files that are joined in this process: what it needs for an ingest anyway."""
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def compact(lake: Lake, now: datetime) -> tuple[Upkeep, ...]:
    """Do as `upkeep.compact`. OSError too when the child ends without a word; a commit it had made stands."""
    lake.catch_up()
    if upkeep.small_rows(lake) <= MOST_HERE:
        return upkeep.compact(lake, now)
    return _child(lake, {"do": "compact", "now": now.isoformat()})


def retain(lake: Lake, since: datetime, now: datetime) -> tuple[Upkeep, ...]:
    """Do as `upkeep.retain`, with the errors of `compact`."""
    lake.catch_up()
    if upkeep.rows_before(lake, since) <= MOST_HERE:
        return upkeep.retain(lake, since, now)
    return _child(lake, {"do": "retain", "now": now.isoformat(), "since": since.isoformat()})


def _child(lake: Lake, asked: dict[str, str]) -> tuple[Upkeep, ...]:
    script = Path(__file__).with_name("upkeep_main.py")
    ended = subprocess.run(  # noqa: S603 - our own interpreter and script
        command(script, str(lake.path.resolve()), json.dumps(asked)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=_ENVIRONMENT,
        check=False,
        start_new_session=True,  # Ctrl-C is for the parent, which finishes what is under way
    )
    lake.catch_up()
    try:
        said: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        how = f"was killed by signal {-ended.returncode}; is there memory enough?" if ended.returncode < 0 else f"ended by itself ({ended.returncode})"
        raise OSError(f"the process that was to {asked['do']} the lake at {lake.path} {how}; nothing is lost, it is done again later") from None
    if "refused" in said:
        raise LakeError(*said["refused"])
    if "failed" in said:
        raise OSError(*said["failed"])
    return tuple(Upkeep(**one) for one in said["done"])
