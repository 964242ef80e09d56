"""Evidence bundles: a proof that anybody can run again, and that tells when it was changed."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from livefire.detections.detection import Rule
from livefire.diagnostics import QueryError
from livefire.workspace import Workspace

SNAPSHOTS = 'AWSCloudTrail | where EventName == "CreateSnapshot" | where isempty(ErrorCode)'
EVENT = {
    "eventVersion": "1.08",
    "eventTime": "2026-01-01T00:00:00Z",
    "eventID": "e-1",
    "eventName": "CreateSnapshot",
    "eventSource": "ec2.amazonaws.com",
    "awsRegion": "us-east-1",
    "userIdentity": {"type": "IAMUser"},
    "eventType": "AwsApiCall",
}


def keys() -> tuple[bytes, bytes]:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def made(folder: Path, key: bytes | None = None) -> bytes:
    (folder / "a.json").write_text(json.dumps(EVENT), encoding="utf-8")
    (folder / "b.json").write_text(json.dumps({**EVENT, "eventName": "StopInstances"}), encoding="utf-8")
    ws = Workspace()
    stage = ws.rehearsal()
    rule = Rule("snapshots", "kql", SNAPSHOTS)
    proof = stage.prove(rule, stage.trials(rule, attacks=[folder / "a.json"], benign=[folder / "b.json"]))
    assert proof.proved
    return ws.bundle(proof, stage, key=key)


def changed(data: bytes, path: str, text: bytes | None) -> bytes:
    """Return a bundle with a file exchanged, or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as found, zipfile.ZipFile(out, "w") as new:
        for name in found.namelist():
            if name != path:
                new.writestr(name, found.read(name))
        if text is not None:
            new.writestr(path, text)
    return out.getvalue()


def read(data: bytes, path: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return found.read(path)


def test_a_bundle_runs_again_and_agrees(tmp_path: Path) -> None:
    data = made(tmp_path)
    verdict = Workspace().verify(data)
    assert (verdict.agrees, verdict.trials, verdict.signed_by, verdict.differs) == (True, 2, "", ())
    manifest = json.loads(read(data, "manifest.json"))
    assert {"livefire", "duckdb", "lake", "python"} == set(manifest["versions"])
    assert [t["result"] for t in manifest["trials"]] == ["fires", "silent"]
    assert read(data, "rule/snapshots.kql").decode() == SNAPSHOTS
    assert b"SELECT" in read(data, "query.sql")
    assert json.loads(read(data, "events/0/aws_cloudtrail.jsonl")) == EVENT
    assert made(tmp_path) == data  # the same proof is the same file


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    data = made(tmp_path)
    path = "events/1/aws_cloudtrail.jsonl"
    verdict = Workspace().verify(changed(data, path, read(data, path).replace(b"StopInstances", b"StartInstances")))
    assert (verdict.agrees, verdict.differs, verdict.trials) == (False, (f"{path}: its hash is not the manifest's",), 0)
    assert Workspace().verify(changed(data, path, None)).differs == (f"{path}: it is missing",)
    assert Workspace().verify(changed(data, "more.txt", b"x")).differs == ("more.txt: no manifest names it",)


def test_a_verdict_that_was_made_up_does_not_agree(tmp_path: Path) -> None:
    # Whoever changes the manifest too has all hashes right: then the rows tell.
    data = made(tmp_path)
    manifest = json.loads(read(data, "manifest.json"))
    manifest["trials"][1] |= {"result": "fires", "rows": 1}
    verdict = Workspace().verify(changed(data, "manifest.json", json.dumps(manifest).encode()))
    assert verdict.differs == ("b.json: fires with 1 rows then, silent with 0 rows now",)


def test_a_signature_holds_the_manifest(tmp_path: Path) -> None:
    (private, public), (_, other) = keys(), keys()
    data = made(tmp_path, private)
    assert Workspace().verify(data, key=public).agrees
    assert len(Workspace().verify(data).signed_by) == 16
    wrong = ("the signature is not that of the key over this manifest",)
    assert Workspace().verify(data, key=other).differs == wrong
    resigned = changed(data, "manifest.json", read(data, "manifest.json").replace(b'"proved": true', b'"proved": false'))
    assert Workspace().verify(resigned, key=public).differs == wrong
    assert Workspace().verify(made(tmp_path), key=public).differs == ("it is not signed, and a key was asked for",)
    with pytest.raises(QueryError, match="no private key"):
        made(tmp_path, b"nonsense")


@pytest.mark.parametrize(
    "data",
    [
        b"no zip",
        changed(b"PK\x05\x06" + bytes(18), "manifest.json", b"{}"),
        changed(b"PK\x05\x06" + bytes(18), "manifest.json", b"[" * 100_000),
        changed(b"PK\x05\x06" + bytes(18), "../manifest.json", b"{}"),
        changed(b"PK\x05\x06" + bytes(18), "/manifest.json", b"{}"),
    ],
    ids=["no zip", "no manifest", "deep", "above", "absolute"],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(QueryError) as refused:
        Workspace().verify(data)
    assert refused.value.diagnostics[0].code == "E515"


def test_a_bundle_that_inflates_beyond_limits_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("manifest.json", bytes(50_000_000))
    assert len(out.getvalue()) < 100_000
    with pytest.raises(QueryError, match="inflates beyond"):
        Workspace().verify(out.getvalue())
