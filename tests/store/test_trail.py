"""A trail is proved only as far as AWS's signatures reach; whatever was done to it is told. Keys and chains are made here."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livefire.store.trail import KeyFileError, read_keys, verify_trail
from tests.logsources.samples import cloudtrail, compact

START = datetime(2026, 5, 4, 10, tzinfo=UTC)
BUCKET, HOURS, EACH = "example-trail", 4, 3


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def keys_file(folder: Path, key: RSAPrivateKey) -> Path:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    said = {"PublicKeyList": [{"Value": base64.b64encode(der).decode(), "Fingerprint": hashlib.md5(der, usedforsecurity=False).hexdigest()}]}
    path = folder / "keys.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def chain(folder: Path, key: RSAPrivateKey, *, newest: bool = True) -> Path:
    """Write hours of log files with their digests, as a bucket looks on disk; `newest` writes the last signature beside its digest."""
    mark = hashlib.md5(key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1), usedforsecurity=False).hexdigest()
    root = folder / "AWSLogs" / "111122223333"
    before: dict[str, str | None] = {
        "previousDigestS3Bucket": None,
        "previousDigestS3Object": None,
        "previousDigestHashValue": None,
        "previousDigestSignature": None,
    }
    for hour in range(HOURS):
        start, end = START + hour * timedelta(hours=1), START + (hour + 1) * timedelta(hours=1)
        listed = []
        for number in range(EACH):
            body = compact({"Records": [cloudtrail(hour * EACH + number)]})
            name = f"111122223333_CloudTrail_eu-central-1_{start:%Y%m%dT%H}{number:02}Z_abc{number}.json.gz"
            path = root / "CloudTrail" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(body, mtime=0))
            listed.append(
                {
                    "s3Bucket": BUCKET,
                    "s3Object": f"AWSLogs/111122223333/CloudTrail/{name}",
                    "hashValue": hashlib.sha256(body).hexdigest(),
                    "hashAlgorithm": "SHA-256",
                }
            )
        name = f"111122223333_CloudTrail-Digest_eu-central-1_main_eu-central-1_{end:%Y%m%dT%H%M%SZ}.json.gz"
        place = f"AWSLogs/111122223333/CloudTrail-Digest/{name}"
        said = {
            "awsAccountId": "111122223333", "digestStartTime": f"{start:%Y-%m-%dT%H:%M:%SZ}", "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": BUCKET,
            "digestS3Object": place, "digestPublicKeyFingerprint": mark, "digestSignatureAlgorithm": "SHA256withRSA", "logFiles": listed, **before,
        }  # fmt: skip
        data = json.dumps(said).encode()
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0))
        digest = hashlib.sha256(data).hexdigest()
        text = f"{said['digestEndTime']}\n{BUCKET}/{place}\n{digest}\n{before['previousDigestSignature'] or 'null'}"
        signature = key.sign(text.encode(), PKCS1v15(), SHA256()).hex()
        before = {"previousDigestS3Bucket": BUCKET, "previousDigestS3Object": place, "previousDigestHashValue": digest, "previousDigestSignature": signature}
        if newest and hour == HOURS - 1:
            path.with_name(name + ".signature").write_text(signature, encoding="ascii")
    return folder


def logs(folder: Path) -> list[Path]:
    return sorted((folder / "AWSLogs" / "111122223333" / "CloudTrail").iterdir())


def digests(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / "AWSLogs" / "111122223333" / "CloudTrail-Digest").iterdir() if p.suffix == ".gz")


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


def test_an_untouched_trail_is_proved_to_its_end(tmp_path: Path, key: RSAPrivateKey) -> None:
    report = verify_trail(chain(tmp_path / "a", key), read_keys(keys_file(tmp_path, key)))
    assert (report.digests, report.logs, report.proved, report.faults, report.unproved) == (4, 12, 12, [], [])
    assert report.sound
    # Without the metadata of the newest digest, its three log files are matched and not proved.
    report = verify_trail(chain(tmp_path / "b", key, newest=False), read_keys(keys_file(tmp_path, key)))
    assert (report.proved, len(report.unproved), report.faults) == (9, 1, [])


def test_files_that_were_compressed_anew_are_the_same(tmp_path: Path, key: RSAPrivateKey) -> None:
    folder = chain(tmp_path / "a", key)
    for path in logs(folder):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert verify_trail(folder, read_keys(keys_file(tmp_path, key))).proved == 12


def forged(path: Path) -> None:
    """Give a digest the hash of another content for its first log file, as one would who changed that file."""
    rewrite(path, lambda data: data.replace(json.loads(data)["logFiles"][0]["hashValue"].encode(), b"0" * 64))


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a log file is changed": (lambda f: rewrite(logs(f)[0], lambda d: d.replace(b"StopInstances", b"DescribeRegion")), "the log file was changed"),
    "a log file is emptied": (lambda f: rewrite(logs(f)[4], lambda _: b'{"Records":[]}'), "the log file was changed"),
    "a log file is truncated": (lambda f: logs(f)[1].write_bytes(logs(f)[1].read_bytes()[:60]), "the log file cannot be read"),
    "a log file is removed": (lambda f: logs(f)[2].unlink(), "the log file is missing"),
    "a log file is added": (lambda f: logs(f)[0].with_name("111122223333_CloudTrail_new.json").write_bytes(b"{}"), "no digest names it"),
    "a digest is removed": (lambda f: digests(f)[1].unlink(), "the digest before it is missing"),
    "the first digest is removed": (lambda f: digests(f)[0].unlink(), "no digest names it"),
    "a digest is changed": (lambda f: forged(digests(f)[1]), "its signature is not AWS's"),
    "the newest digest is changed": (lambda f: forged(digests(f)[3]), "its signature is not AWS's"),
    "a digest is renamed": (lambda f: digests(f)[0].rename(digests(f)[0].with_name("1_CloudTrail-Digest_x.json.gz")), "not the one that it gives itself"),
    "a digest is no JSON": (lambda f: digests(f)[2].write_bytes(b"{"), "a digest that cannot be read"),
    "a log file is there twice": (lambda f: (f / logs(f)[0].name).write_bytes(b""), "another log file has the same name"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_was_done_is_told(tmp_path: Path, key: RSAPrivateKey, attack: str) -> None:
    folder = chain(tmp_path / "a", key)
    do, words = ATTACKS[attack]
    do(folder)
    report = verify_trail(folder, read_keys(keys_file(tmp_path, key)))
    assert not report.sound
    assert any(words in f.reason for f in report.faults), [f.reason for f in report.faults]
    assert report.proved < 12 or attack in ("a log file is added", "a log file is there twice")


def test_a_digest_signed_by_another_proves_nothing(tmp_path: Path, key: RSAPrivateKey) -> None:
    folder = chain(tmp_path / "a", generate_private_key(65537, 2048))
    report = verify_trail(folder, read_keys(keys_file(tmp_path, key)))
    assert report.proved == 0
    assert {f.reason[:34] for f in report.faults} == {"no public key has the fingerprint "}


def test_a_folder_without_digests_is_not_sound(tmp_path: Path, key: RSAPrivateKey) -> None:
    assert not verify_trail(tmp_path, read_keys(keys_file(tmp_path, key))).sound


@pytest.mark.parametrize("text", ["", "{}", '{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"x"}]}', '{"PublicKeyList":[{"Value":"*"}]}', "[1]"])
def test_a_bad_file_of_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyFileError):
        read_keys(path)
