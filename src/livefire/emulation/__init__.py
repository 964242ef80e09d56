"""Attack telemetry and its benign look-alikes, made from code: no cloud account, no stored data.

`emulations()` lists the stories, `Emulation.generate(start, seed)` tells one in raw records, `write` puts them into
files as the cloud would deliver them, and `write_demo` composes days of three clouds with some of the stories planted.
"""

from livefire.emulation.catalogue import UnknownEmulationError, emulations, find, for_technique, look_alikes_of
from livefire.emulation.delivery import write, write_records
from livefire.emulation.demo import Demo, write_demo
from livefire.emulation.model import Cloud, Emulation, Kind, LogRecord, Role, Telemetry

__all__ = [
    "Cloud",
    "Demo",
    "Emulation",
    "Kind",
    "LogRecord",
    "Role",
    "Telemetry",
    "UnknownEmulationError",
    "emulations",
    "find",
    "for_technique",
    "look_alikes_of",
    "write",
    "write_demo",
    "write_records",
]
