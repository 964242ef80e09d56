"""Evidence bundles: a rule, the events it was proved on and what came out, in one file that anybody can run again.

A bundle is a zip of `manifest.json`, the rule, `plan.txt`, `query.sql`, `events/<trial>/<log source>.jsonl` with the
events as they came, and `rows/<trial>.json`. The manifest holds the SHA-256 of each other file, the verdicts and the
versions; with a key, `manifest.sig` is its ed25519 signature (https://www.rfc-editor.org/rfc/rfc8032) and
`manifest.pub` the public key.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from livefire.detections.detection import Rule
from livefire.detections.formats import read_file
from livefire.detections.runner import compile_rule, run_rule
from livefire.diagnostics import Diagnostic, QueryError
from livefire.engines.base import Storage
from livefire.engines.program import TableFiles
from livefire.engines.worker import shared_scratch
from livefire.plan import nodes as n
from livefire.plan.rewrite import rewrite
from livefire.proof.trial import RuleProof, Trial
from livefire.rehearsing import Rehearsal
from livefire.store.frames import empty_table, read_records
from livefire.store.lake import FORMAT
from livefire.version import __version__

MANIFEST, SIGNATURE, PUBLIC = "manifest.json", "manifest.sig", "manifest.pub"
MOST_FILES, MOST_BYTES, MOST_RATIO = 2_000, 512 * 1024 * 1024, 300
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold: a bundle of the same proof is the same file
Show = Callable[[n.Plan], str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bundle: what differs, whose key signed it (empty for none), what was run again, and versions that are others here."""

    differs: tuple[str, ...]
    signed_by: str
    trials: int
    rule: str
    versions: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """True when nothing differs."""
        return not self.differs


def bundle(proof: RuleProof, stage: Rehearsal, show: Show, *, lenient: bool = False, key: bytes | None = None) -> bytes:
    """Return a proof as a bundle; `key` is an ed25519 private key as PEM. QueryError E517 for a key that is none, E515 for a rule that was refused."""
    if proof.refused or not proof.tried:
        raise _wrong(515, f"{proof.rule.name}: a rule that was not run leaves no evidence")
    rule = proof.rule
    name = f"rule/{rule.path.name if rule.path is not None else rule.name + '.' + rule.language}"
    files: dict[str, bytes] = {name: rule.text.encode()}
    if rule.alerting is None:
        plan = compile_rule(rule, stage.bench, lenient=lenient).plan
        files["plan.txt"], files["query.sql"] = show(plan).encode(), stage.bench.engine.sql(plan).encode()
    trials = []
    for number, tried in enumerate(proof.tried):
        trial = tried.trial
        for source, lines in _events(trial, stage):
            files[f"events/{number}/{source}.jsonl"] = lines
        files[f"rows/{number}.json"] = _rows(rule, trial, stage, lenient=lenient)
        said = {"name": trial.name, "title": trial.title, "kind": trial.kind, "stated": trial.stated, "must_give": trial.rows}
        found = {"result": tried.result, "rows": tried.rows, "right": tried.right}
        trials.append({**said, "now": trial.now.isoformat(), "attack": sorted(trial.attack) if trial.attack is not None else None, **found})
    about = {"file": name, "name": rule.name, "language": rule.language, "lenient": lenient, "alerting": rule.alerting is not None}
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    manifest = {"format": 1, "versions": versions(), "rule": about, "proved": proof.proved, "trials": trials, "files": hashes}
    text = (json.dumps(manifest, indent=1, ensure_ascii=True) + "\n").encode()
    return _zipped({MANIFEST: text, **(_signed(text, key) if key is not None else {}), **files})


def versions() -> dict[str, str]:
    """Return the versions that a run depends on: livefire, its engine, the form of its lake, Python."""
    from importlib.metadata import version

    return {"livefire": __version__, "duckdb": version("duckdb"), "lake": str(FORMAT), "python": platform.python_version()}


def verify(data: bytes, stage: Rehearsal, show: Show, *, key: bytes | None = None) -> Verdict:
    """Run a bundle again and return what differs; `key` is the public key (PEM) that must have signed it.

    Nothing is run of a bundle whose files do not have the hashes of its manifest, or whose signature is not that of
    its key. QueryError E515 for what cannot be read as a bundle, E517 for a key that is none.
    """
    files = _opened(data)
    manifest = _manifest(files)
    signer, faults = _signature(files, key)
    faults += _tampered(manifest, files)
    about = manifest["rule"]
    if faults:
        return Verdict(tuple(faults), signer, 0, str(about["name"]))
    rule = _rule(about, files)
    differs = [] if rule.alerting is not None else list(_stages(rule, files, stage, show, lenient=bool(about["lenient"])))
    for number, said in enumerate(manifest["trials"]):
        trial = _trial(number, said, files)
        rows = _rows(rule, trial, stage, lenient=bool(about["lenient"]))
        if rows != files.get(f"rows/{number}.json"):
            differs.append(f"{said['title']}: the rows are others")
        tried = stage.prove(rule, [trial], lenient=bool(about["lenient"])).tried[0]
        now, then = (tried.result, tried.rows, tried.right), (said["result"], said["rows"], said["right"])
        if now != then:
            differs.append(f"{said['title']}: {then[0]} with {then[1]} rows then, {now[0]} with {now[1]} rows now")
    others = [f"{name} {then} then, {versions().get(name)} now" for name, then in manifest["versions"].items() if versions().get(name) != then]
    return Verdict(tuple(differs), signer, len(manifest["trials"]), str(about["name"]), tuple(others))


def _events(trial: Trial, stage: Rehearsal) -> Iterator[tuple[str, bytes]]:
    """Yield each log source that a trial has events of, with the events as they came, a line each."""
    from livefire.logsources.registry import SOURCES

    for source in SOURCES:
        if source.name not in stage.sources:
            continue
        scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
        here = replace(stage.bench, storage=trial.storage, now=trial.now)
        found = here.engine.execute(rewrite(n.select(scan, "_raw")), trial.storage, here.run_values())
        texts = found.column(0).to_pylist()
        if texts:
            yield source.name, "".join(f"{text}\n" for text in texts).encode()


def _rows(rule: Rule, trial: Trial, stage: Rehearsal, *, lenient: bool) -> bytes:
    """Return what a rule finds in a trial: rows in an order of their own, each with the events it rests on."""
    outcome = run_rule(rule, replace(stage.bench, storage=trial.storage, now=trial.now), lenient=lenient)
    listed = [
        json.dumps({"row": row, "evidence": sorted(names)}, default=str, sort_keys=True) for row, names in zip(outcome.rows, outcome.evidence, strict=True)
    ]
    return ("[" + ",\n".join(sorted(listed)) + "]\n").encode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path, data in files.items():
            made.writestr(zipfile.ZipInfo(path, EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _opened(data: bytes) -> dict[str, bytes]:
    """Return the files of a zip within limits: plain names, no name twice, no more bytes than stated and allowed."""
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            listed = found.infolist()
            if len(listed) > MOST_FILES:
                raise _wrong(515, f"{len(listed):,} files, and a bundle has {MOST_FILES:,} at most")
            room = min(MOST_BYTES, max(len(data), 1) * MOST_RATIO)
            for info in listed:
                path = PurePosixPath(info.filename)
                if info.filename in files or path.is_absolute() or ".." in path.parts or "\\" in info.filename or info.is_dir() or info.flag_bits & 1:
                    raise _wrong(515, "a file in it has a name that no bundle has, or one name twice")
                with found.open(info) as inner:
                    files[info.filename] = inner.read(room + 1)
                room -= len(files[info.filename])
                if room < 0:
                    raise _wrong(515, "it inflates beyond what a bundle may hold")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zipfile.LargeZipFile) as fault:
        raise _wrong(515, f"no zip that can be read: {' '.join(str(fault).split())[:120]}") from fault
    return files


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        found = json.loads(files[MANIFEST])
        trials = [(str(t["title"]), t["kind"], datetime.fromisoformat(t["now"]), t["result"], t["rows"], t["right"]) for t in found["trials"]]
        about = [found["rule"][k] for k in ("file", "name", "language", "lenient", "alerting")]
        whole = (
            found["format"] == 1
            and all(isinstance(found[k], dict) for k in ("files", "versions"))
            and bool(about)
            and all(t[1] in ("attack", "look_alike") for t in trials)
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        raise _wrong(515, "it has no manifest of the form that is read") from fault
    if not whole:
        raise _wrong(515, "it has no manifest of the form that is read")
    return dict(found)


def _tampered(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    """Return the files that are not those of the manifest."""
    said = manifest["files"]
    there = {p: hashlib.sha256(d).hexdigest() for p, d in files.items() if p not in (MANIFEST, SIGNATURE, PUBLIC)}
    changed = [f"{p}: its hash is not the manifest's" for p in sorted(said.keys() & there.keys()) if said[p] != there[p]]
    return [
        *changed,
        *(f"{p}: it is missing" for p in sorted(said.keys() - there.keys())),
        *(f"{p}: no manifest names it" for p in sorted(there.keys() - said.keys())),
    ]


def _rule(about: Mapping[str, Any], files: Mapping[str, bytes]) -> Rule:
    import tempfile

    name = str(about["file"])
    if name not in files:
        raise _wrong(515, "the rule is not in it")
    text = files[name].decode("utf-8", "replace")
    if not about["alerting"]:
        return Rule(str(about["name"]), str(about["language"]), text)
    with tempfile.TemporaryDirectory(prefix="livefire-bundle-") as folder:
        path = Path(folder) / PurePosixPath(name).name
        path.write_bytes(files[name])
        found = [one.rule for one in read_file(path) if one.rule.name == about["name"]]
    if not found:
        raise _wrong(515, "the rule's file holds no such rule")
    return found[0]


def _stages(rule: Rule, files: Mapping[str, bytes], stage: Rehearsal, show: Show, *, lenient: bool) -> Iterator[str]:
    """Yield what becomes of the rule's text differently here; a plan or statement that differs is said, and the rows decide."""
    plan = compile_rule(rule, stage.bench, lenient=lenient).plan
    if show(plan).encode() != files.get("plan.txt"):
        yield "plan.txt: the rule has another plan here"
    if stage.bench.engine.sql(plan).encode() != files.get("query.sql"):
        yield "query.sql: the plan has another statement here"


def _trial(number: int, said: Mapping[str, Any], files: Mapping[str, bytes]) -> Trial:
    from livefire.logsources.registry import SOURCES

    tables = {}
    for source in SOURCES:
        lines = files.get(f"events/{number}/{source.name}.jsonl")
        frame = read_records(io.BytesIO(lines), source.name) if lines is not None else empty_table(source.name)
        if lines is not None and frame.num_rows != lines.count(b"\n"):
            raise _wrong(515, f"events/{number}/{source.name}.jsonl holds lines that are no events")
        tables[source.name] = TableFiles((shared_scratch().put(frame),))
    attack = frozenset(map(str, said["attack"])) if said.get("attack") is not None else None
    moment = datetime.fromisoformat(str(said["now"]))
    return Trial(str(said["name"]), str(said["title"]), said["kind"], Storage(tables), moment, attack, bool(said["stated"]), said.get("must_give"))


def _signed(text: bytes, key: bytes) -> dict[str, bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(key, None)
    except (TypeError, ValueError) as fault:
        raise _wrong(517, "the key is no private key in PEM without a password") from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise _wrong(517, "the key is not an ed25519 key")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {SIGNATURE: private.sign(text).hex().encode(), PUBLIC: public}


def _signature(files: Mapping[str, bytes], key: bytes | None) -> tuple[str, list[str]]:
    """Return the fingerprint of the key that signed, empty for none, and what is wrong with the signature."""
    if SIGNATURE not in files and PUBLIC not in files:
        return "", ["it is not signed, and a key was asked for"] if key is not None else []
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = key if key is not None else files.get(PUBLIC, b"")
    try:
        public = load_pem_public_key(pem)
    except (TypeError, ValueError) as fault:
        if key is not None:
            raise _wrong(517, "the key is no public key in PEM") from fault
        return "", ["its public key cannot be read"]
    if not isinstance(public, Ed25519PublicKey):
        if key is not None:
            raise _wrong(517, "the key is not an ed25519 key")
        return "", ["its public key is not an ed25519 key"]
    try:
        public.verify(bytes.fromhex(files.get(SIGNATURE, b"").decode("ascii", "replace")), files.get(MANIFEST, b""))
    except (InvalidSignature, ValueError):
        return "", ["the signature is not that of the key over this manifest"]
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16], []


def _wrong(code: int, why: str) -> QueryError:
    return QueryError([Diagnostic("error", f"E{code}", f"the bundle: {why}" if code == 515 else why)])


__all__: Sequence[str] = ("Verdict", "bundle", "verify", "versions")
