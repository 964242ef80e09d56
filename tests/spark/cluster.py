"""A Spark of this machine for slow tests: a master and two workers on loopback, and a Spark Connect server of theirs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START = 480.0


def home() -> Path | None:
    """Return the folder of a Spark with its jars: SPARK_HOME, or the pyspark that this Python has; None without one or without Java."""
    named = os.environ.get("SPARK_HOME")
    if named is None:
        import pyspark

        named = str(Path(pyspark.__file__).parent)
    folder = Path(named)
    return folder if shutil.which("java") and any((folder / "jars").glob("spark-core_*.jar")) else None


def node_python() -> str:
    """Return the Python of the nodes: of this one's minor version, with pyarrow and duckdb."""
    return os.environ.get("PYSPARK_PYTHON", sys.executable)


@dataclass
class Cluster:
    """A running cluster; `address` is that of its Spark Connect server."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def kill_worker(self) -> None:
        """End one worker, and what it started, as a power cut would."""
        victim = self.workers.pop()
        victim.kill()
        victim.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(log: Path, pattern: str) -> None:
    until = time.monotonic() + START
    while not (log.exists() and re.search(pattern, log.read_text(errors="replace"))):
        if time.monotonic() > until:
            raise TimeoutError(f"{log.name} does not say {pattern}: {log.read_text(errors='replace')[-2000:] if log.exists() else 'nothing'}")
        time.sleep(0.5)


@contextmanager
def started(spark: Path, folder: Path) -> Iterator[Cluster]:
    """Start a master, two workers of one core each and a Connect server, all on loopback; all end with the block."""
    settings = {"SPARK_HOME": str(spark), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1", "SPARK_LOG_DIR": str(folder)}
    surroundings = {**os.environ, **settings, "PYSPARK_PYTHON": node_python(), "SPARK_WORKER_DIR": str(folder / "work")}
    running: list[subprocess.Popen[bytes]] = []

    def java(name: str, *arguments: str) -> Path:
        log = folder / f"{name}.log"
        with log.open("wb") as out:
            running.append(
                subprocess.Popen([str(spark / "bin" / arguments[0]), *arguments[1:]], stdout=out, stderr=out, env=surroundings, start_new_session=False)
            )
        return log

    port, connect = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    try:
        log = java(
            "master", "spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(free_port())
        )
        wait_for(log, "Starting Spark master|New state: ALIVE|I have been elected leader")
        for number in (1, 2):
            java(
                f"worker{number}",
                "spark-class",
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                "127.0.0.1",
                "--cores",
                "1",
                "--memory",
                "1g",
                "--webui-port",
                str(free_port()),
                master,
            )
        server = java(
            "connect", "spark-submit", "--master", master, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
            "--conf", f"spark.connect.grpc.binding.port={connect}", "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
            "--conf", "spark.ui.enabled=false", "--conf", "spark.executor.memory=512m", "--conf", "spark.executor.cores=1",
            "--conf", "spark.sql.shuffle.partitions=8", "--name", "livefire-test", "spark-internal",
        )  # fmt: skip
        wait_for(server, "Spark Connect server started at")
        yield Cluster(f"sc://127.0.0.1:{connect}", running[1:3])
    finally:
        for process in reversed(running):
            if process.poll() is None:
                process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
