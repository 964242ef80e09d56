"""Functions that run inside the query worker on whole Arrow tables: name -> `module:function`.

Each takes `(table: pyarrow.Table, spec: dict)` and returns a `pyarrow.Table`.
"""

from __future__ import annotations

from collections.abc import Mapping

FUNCTIONS: Mapping[str, str] = {"sequence": "livefire.engines.sequence:match"}
