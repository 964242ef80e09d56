"""Other people's readers as judges of texts: python-eql for EQL, a tree-sitter grammar for LogScale's language.

They are asked through an interpreter that has them, for the project itself needs neither. Microsoft's reader of KQL is in `tests.kusto`.
The grammar is that of the package logscale-tools (`logscale_query_language/grammar_src`), which refuses some of what LogScale takes.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Elasticsearch's EQL is python-eql's with its own strings and lookups.
_ASK = """
import json, sys
import eql
for line in sys.stdin:
    try:
        p = eql.parser
        with p.elasticsearch_syntax, p.ignore_missing_functions, p.allow_negation, p.allow_sample, p.allow_runs:
            p.parse_query(json.loads(line))
        print(json.dumps(""))
    except Exception as fault:
        print(json.dumps(f"{type(fault).__name__}: {fault}"[:300]))
"""


def has_python_eql(python: str = sys.executable) -> bool:
    """True where an interpreter has python-eql."""
    if python == sys.executable:
        return importlib.util.find_spec("eql") is not None
    return subprocess.run([python, "-c", "import eql"], capture_output=True, check=False).returncode == 0


def eql_errors(texts: Sequence[str], python: str = sys.executable) -> list[str]:
    """Return what python-eql says of each text, in Elasticsearch's syntax: nothing for a valid one."""
    lines = "\n".join(json.dumps(t) for t in texts)
    done = subprocess.run([python, "-c", _ASK], input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return [json.loads(line) for line in done.stdout.splitlines()]


_READ = """
import ctypes, json, sys
import tree_sitter
found = ctypes.CDLL(sys.argv[1]).tree_sitter_logscale
found.restype = ctypes.c_void_p
capsule = ctypes.pythonapi.PyCapsule_New
capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
parser = tree_sitter.Parser(tree_sitter.Language(capsule(found(), b"tree_sitter.Language", None)))
def place(node):
    if node.type == "ERROR" or node.is_missing:
        return node.text.decode(errors="replace")[:80] or node.type
    return next((p for c in node.children if c.has_error and (p := place(c))), "")
for line in sys.stdin:
    root = parser.parse(json.loads(line).encode()).root_node
    print(json.dumps(place(root) or "an error" if root.has_error else ""))
"""


def cql_errors(texts: Sequence[str], grammar: Path, python: str = sys.executable) -> list[str]:
    """Return where the grammar's parser first does not follow each text: nothing for one that it reads. A C compiler builds it."""
    lines = "\n".join(json.dumps(t) for t in texts)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "logscale.so"
        sources = [str(grammar / name) for name in ("parser.c", "scanner.c")]
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-I", str(grammar), *sources, "-o", str(library)], check=True, timeout=120)
        done = subprocess.run([python, "-c", _READ, str(library)], input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return [json.loads(line) for line in done.stdout.splitlines()]
