"""CloudTrail's log file integrity, checked over a local folder: were log files changed, removed or added since AWS wrote them?

Every hour CloudTrail writes a digest file that names each log file it delivered with its SHA-256, and the digest before with its
hash and signature. The signature of a digest is metadata of its S3 object, which a download to disk loses; but the next digest
holds it too, so that all but the newest can be proved from files alone. The newest is proved by a file of the same name with
`.signature` behind it, holding the metadata in hexadecimal, or is told as not proved.

Signed is `endTime newline bucket/key newline hex SHA-256 of the inflated digest newline previous signature (or "null")`,
RSA PKCS #1 v1.5 with SHA-256. Log hashes are over inflated bytes.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.logsources.faults import FileFaultError
from livefire.logsources.limits import DEFAULT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_DIGEST = re.compile(r"_CloudTrail-Digest_.*\.json(?:\.gz)?$")
_LOG = re.compile(r"_CloudTrail_.*\.json(?:\.gz)?$")
_HEX = re.compile(r"[0-9a-f]{2,2048}")
_MOST = 256 * 1024 * 1024
_HOUR, _SLACK = timedelta(hours=1), timedelta(minutes=1)


class KeyFileError(ValueError):
    """A file of public keys that cannot be read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a trail: where, and what."""

    path: str
    reason: str


@dataclass(slots=True)
class TrailReport:
    """What a check of a trail came to. `proved` log files are as AWS wrote them; `unproved` are digests that nothing here can prove."""

    digests: int = 0
    logs: int = 0
    proved: int = 0
    faults: list[Fault] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    proved_files: set[Path] = field(default_factory=set)

    @property
    def sound(self) -> bool:
        """True when nothing is wrong and something was proved."""
        return not self.faults and bool(self.digests)


@dataclass(frozen=True, slots=True)
class _Digest:
    path: Path
    sha256: str
    said: Mapping[str, Any]

    def text(self, name: str) -> str:
        value = self.said.get(name)
        return value if isinstance(value, str) else ""

    @property
    def key(self) -> tuple[str, str]:
        return self.text("digestS3Bucket"), self.text("digestS3Object")

    @property
    def before(self) -> tuple[str, str]:
        return self.text("previousDigestS3Bucket"), self.text("previousDigestS3Object")

    @property
    def line(self) -> tuple[str, str, str]:
        """Which chain it is of: account, region, trail (the end of its name before the time)."""
        name = self.key[1].rpartition("/")[2]
        return self.text("awsAccountId"), self.key[0], re.sub(r"\d{8}T\d{6}Z", "", name)


def read_keys(path: Path) -> dict[str, RSAPublicKey]:
    """Return public keys by fingerprint from what `aws cloudtrail list-public-keys` printed; KeyFileError for another file."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        said = json.loads(path.read_bytes())
        listed = said["PublicKeyList"]
        found: dict[str, RSAPublicKey] = {}
        for one in listed:
            key = _public(base64.b64decode(one["Value"], validate=True), load_der_public_key)
            if not isinstance(key, RSAPublicKey):
                raise KeyFileError("a key that is no RSA key")
            found[str(one["Fingerprint"]).lower()] = key
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise KeyFileError(f"{path.name} holds no public keys as `aws cloudtrail list-public-keys` prints them") from fault
    return found


def _public(data: bytes, load: Callable[[bytes], object]) -> object:
    """Return a key that is DER as PKCS #1, which is what CloudTrail gives, or as SubjectPublicKeyInfo."""
    try:
        return load(data)
    except ValueError:
        prefix = bytes.fromhex("300d06092a864886f70d0101010500")  # the algorithm: rsaEncryption
        bits = b"\x00" + data
        return load(_der(0x30, prefix + _der(0x03, bits)))


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + body


def verify_trail(folder: Path, keys: Mapping[str, RSAPublicKey]) -> TrailReport:
    """Check every digest and every log file below a folder, and return what was proved and all that is wrong.

    Log files are found by their names, wherever they lie below the folder: a bucket synchronised to disk, or a part of it.
    """
    report = TrailReport()
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    logs = {p.name: p for p in files if _LOG.search(p.name)}
    twice = [p for p in files if _LOG.search(p.name) and logs[p.name] != p]
    report.faults += [Fault(str(p), f"another log file has the same name: {logs[p.name]}") for p in twice]
    digests = list(_digests([p for p in files if _DIGEST.search(p.name)], report))
    by_key = {d.key: d for d in digests}
    after = {d.before: d for d in digests if d.before[1]}
    report.digests, report.logs = len(digests), len(logs)
    named: set[str] = set()
    for digest in digests:
        proved = _prove(digest, after.get(digest.key), by_key, keys, report)
        named |= _check_logs(digest, logs, report, proved=proved)
    _gaps(digests, report)
    if digests:
        report.faults += [Fault(str(path), "no digest names it") for name, path in sorted(logs.items()) if name not in named]
    return report


def _digests(paths: Sequence[Path], report: TrailReport) -> Iterator[_Digest]:
    for path in paths:
        try:
            data = _inflated(path)
            said = json.loads(data)
        except (OSError, ValueError, RecursionError, FileFaultError) as fault:
            report.faults.append(Fault(str(path), f"a digest that cannot be read: {str(fault)[:120]}"))
            continue
        if not isinstance(said, dict):
            report.faults.append(Fault(str(path), "a digest that is no JSON object"))
            continue
        yield _Digest(path, hashlib.sha256(data).hexdigest(), said)


def _inflated(path: Path) -> bytes:
    """Return a file's content, inflated if it is gzip; within bounds, checksum checked."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        most = min(_MOST, DEFAULT.file_bytes)
        handle = gzip.GzipFile(fileobj=raw) if zipped else raw
        try:
            data = bytes(handle.read(most + 1))
        except (EOFError, zlib.error) as fault:
            raise ValueError("it is cut off or damaged") from fault
    if len(data) > most:
        raise ValueError("it is larger than a file of CloudTrail can be")
    return data


def _prove(digest: _Digest, later: _Digest | None, by_key: Mapping[tuple[str, str], _Digest], keys: Mapping[str, RSAPublicKey], report: TrailReport) -> bool:
    """Return whether a digest is proved, and note what is wrong with it."""
    path = str(digest.path)
    if digest.key[1].rpartition("/")[2] != digest.path.name:
        report.faults.append(Fault(path, "its name is not the one that it gives itself"))
        return False
    before = digest.before
    if before[1] and before in by_key and by_key[before].sha256 != digest.text("previousDigestHashValue").lower():
        report.faults.append(Fault(str(by_key[before].path), "the digest after it holds another hash: it was changed"))
    if before[1] and before not in by_key and _first_here(digest, by_key) is not digest:
        report.faults.append(Fault(path, f"the digest before it is missing: {before[1].rpartition('/')[2]}"))
    signature = later.text("previousDigestSignature") if later is not None else _beside(digest.path)
    if not signature:
        report.unproved.append(path)
        return False
    key = keys.get(digest.text("digestPublicKeyFingerprint").lower())
    if key is None:
        report.faults.append(Fault(path, f"no public key has the fingerprint {digest.text('digestPublicKeyFingerprint')[:40] or 'that it names'}"))
        return False
    if not _signed(digest, signature, key):
        report.faults.append(Fault(path, "its signature is not AWS's: it was changed"))
        return False
    return True


def _first_here(digest: _Digest, by_key: Mapping[tuple[str, str], _Digest]) -> _Digest:
    same = [d for d in by_key.values() if d.line == digest.line]
    return min(same, key=lambda d: (d.text("digestEndTime"), d.key))


def _beside(path: Path) -> str:
    try:
        return path.with_name(path.name + ".signature").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _signed(digest: _Digest, signature: str, key: RSAPublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    if not _HEX.fullmatch(signature.lower()) or len(signature) % 2:
        return False
    before = digest.text("previousDigestSignature") or "null"
    text = "\n".join((digest.text("digestEndTime"), "/".join(digest.key), digest.sha256, before))
    try:
        key.verify(bytes.fromhex(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _check_logs(digest: _Digest, logs: Mapping[str, Path], report: TrailReport, *, proved: bool) -> set[str]:
    """Compare the log files that a digest names with those that are there; return their names."""
    names = set()
    listed = digest.said.get("logFiles")
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict):
            continue
        name = str(entry.get("s3Object", "")).rpartition("/")[2]
        names.add(name)
        path = logs.get(name)
        if path is None:
            report.faults.append(Fault(str(entry.get("s3Object", ""))[:300], "the log file is missing"))
            continue
        try:
            found = hashlib.sha256(_inflated(path)).hexdigest()
        except (OSError, ValueError) as fault:
            report.faults.append(Fault(str(path), f"the log file cannot be read: {str(fault)[:120]}"))
            continue
        if found != str(entry.get("hashValue", "")).lower():
            report.faults.append(Fault(str(path), "the log file was changed"))
        elif proved:
            report.proved += 1
            report.proved_files.add(path)
    return names


def _gaps(digests: Sequence[_Digest], report: TrailReport) -> None:
    """Note where a chain has a time that no digest is for."""
    lines: dict[tuple[str, str, str], list[tuple[datetime, datetime, _Digest]]] = {}
    for digest in digests:
        start, end = _moment(digest.text("digestStartTime")), _moment(digest.text("digestEndTime"))
        if start is None or end is None or end <= start or end - start > 2 * _HOUR:
            report.faults.append(Fault(str(digest.path), "its start and end are no hour"))
            continue
        lines.setdefault(digest.line, []).append((start, end, digest))
    for spans in lines.values():
        spans.sort(key=lambda s: (s[0], s[1]))
        for (_, end, _), (start, _, digest) in pairwise(spans):
            if start - end > _SLACK:
                report.faults.append(Fault(str(digest.path), f"no digest is for {end:%Y-%m-%d %H:%M} to {start:%Y-%m-%d %H:%M} UTC"))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
