"""The process that `livefire.store.apart` starts: one compaction or retention of a lake; what came of it is one line of JSON."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = sys.argv[4:]

from livefire.interpreter import end_with, leave_out
from livefire.store import upkeep
from livefire.store.lake import Lake, LakeError

_ANSWER = 1
"""The descriptor that the parent reads."""


def main() -> None:
    """Do what is asked: the lake's folder, what to do as JSON, the parent's process."""
    end_with(int(sys.argv[3]))
    leave_out("pandas")  # pyarrow would load it in case a frame comes
    os.write(_ANSWER, json.dumps(answer(Path(sys.argv[1]), json.loads(sys.argv[2]))).encode())


def answer(path: Path, asked: dict[str, str]) -> dict[str, Any]:
    """Return what was done, or why not."""
    now = datetime.fromisoformat(asked["now"])
    try:
        lake = Lake.open(path)
        done = upkeep.compact(lake, now) if asked["do"] == "compact" else upkeep.retain(lake, datetime.fromisoformat(asked["since"]), now)
    except LakeError as refused:
        return {"refused": [refused.code, str(refused).removeprefix(f"{refused.code}: ")]}
    except OSError as failed:
        return {"failed": [failed.errno, failed.strerror or str(failed), failed.filename and str(failed.filename)]}
    return {"done": [asdict(one) for one in done]}


if __name__ == "__main__":
    main()
