"""Writes the clouds' own words, `src/livefire/lint/vocabulary/*.json`, from the vendors' published client libraries.

Run by hand when the words are renewed, in an environment that has botocore, google-api-python-client and the
`azure-mgmt-*` packages: `python -m tests.generate_vocabulary DATE`. The project itself needs none of them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "src" / "livefire" / "lint" / "vocabulary"
GOOGLE = ("compute",)
# What a request changes: https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
URL = re.compile(r'_url = (?:kwargs\.pop\(\s*"template_url",\s*)?"(?P<url>/[^"]+)"(?P<rest>.*?)HttpRequest\(\s*method="(?P<method>[A-Z]+)"', re.S)
PROVIDERS = re.compile(r"/providers/(Microsoft\.[A-Za-z.]+)/(.+)$")


def aws() -> dict[str, Any]:
    """Return every operation of every service, by the host name that CloudTrail writes as the event source."""
    session = importlib.import_module("botocore.session").get_session()
    services: dict[str, set[str]] = {}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        services.setdefault(model.endpoint_prefix, set()).update(model.operation_names)
    types = session.get_service_model("ec2").shape_for("InstanceType").enum
    source = f"botocore {importlib.metadata.version('botocore')}"
    return {"source": source, "services": {k: sorted(v) for k, v in sorted(services.items())}, "instance_types": sorted(types)}


def google() -> dict[str, Any]:
    """Return the method ids of the services whose audit records carry them."""
    documents = importlib.import_module("googleapiclient.discovery_cache.documents")
    folder = Path(next(iter(documents.__path__)))
    methods: set[str] = set()
    for path in sorted(p for name in GOOGLE for p in folder.glob(f"{name}.*.json")):
        methods |= set(_method_ids(json.loads(path.read_text(encoding="utf-8"))))
    version = importlib.metadata.version("google-api-python-client")
    return {"source": f"discovery documents of google-api-python-client {version}", "methods": sorted(methods)}


def _method_ids(node: dict[str, Any]) -> list[str]:
    own = [m["id"] for m in node.get("methods", {}).values()]
    return own + [name for part in node.get("resources", {}).values() for name in _method_ids(part)]


def azure() -> dict[str, Any]:
    """Return the operations that change something, worked out from each request's address and verb."""
    root = Path(next(iter(importlib.import_module("azure.mgmt").__path__)))
    found: set[str] = set()
    for path in sorted(root.glob("*/**/operations/*operations.py")):
        if "aio" in path.parts:
            continue
        for match in URL.finditer(path.read_text(encoding="utf-8")):
            if (name := _operation(match["url"], match["method"])) is not None:
                found.add(name)
    versions = sorted(d.name + " " + d.version for d in importlib.metadata.distributions() if (d.name or "").startswith("azure-mgmt-"))
    return {"source": ", ".join(v for v in versions if "core" not in v), "operations": sorted(found)}


def _operation(url: str, method: str) -> str | None:
    provider = PROVIDERS.search(url)
    if provider is None or method not in VERBS or "/providers/Microsoft" in provider[2]:
        return None
    parts = [p for p in provider[2].split("/") if p]
    kinds = [p for p in parts if not p.startswith("{")]
    acts_on_item = method == "POST"
    if not kinds or (acts_on_item and len(kinds) < 2 and parts[-1].startswith("{")):
        return None
    return "/".join([provider[1], *kinds, VERBS[method]])


def main(date: str) -> None:
    """Write the three files."""
    for name, words in (("aws", aws()), ("azure", azure()), ("gcp", google())):
        text = json.dumps({"date": date, **words}, indent=0, ensure_ascii=True)
        (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
