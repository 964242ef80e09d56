"""The one object that does everything: load or ingest events, check and run queries, hunt and prove."""

from livefire.workspace.bench import Benching
from livefire.workspace.queries import Result

__all__ = ["Result", "Workspace"]


class Workspace(Benching):
    """Tables, a lake of events, and the queries over them.

    `lake` is a folder, made when it does not exist; without one events are kept in a temporary
    folder that goes with the workspace. `engine` is one, or the name of one: `duckdb`, `spark`,
    `spark:ADDRESS` or a settings file of Spark (`NAME.toml`). Each part stands on the one before
    it: `holdings`, `queries`, `hunting`, `proofs`, `watching`, `browsing`,
    `bench`.
    """
