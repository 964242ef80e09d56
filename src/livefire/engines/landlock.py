"""Landlock, the Linux kernel's unprivileged sandbox, through ctypes alone.

It binds the calling thread and what that thread starts later, so it is applied while the
process has one thread. It does not cover UDP, Unix sockets by path, or reading file names and
attributes by `stat`. https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
TRUNCATE = 1 << 14

_READ = READ_FILE | READ_DIR
_WRITE = _READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
_FILE_ONLY = READ_FILE | WRITE_FILE | TRUNCATE
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # number of file system rights the kernel knows
_ALL_RIGHTS = 16
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
NETWORK_ABI, SCOPE_ABI = 4, 6

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_SET_NO_NEW_PRIVS = 38


def abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


def restrict(read: Iterable[str], write: Iterable[str]) -> int:
    """Confine this process for good and return the Landlock version used, 0 where there is none.

    Below `read` it may read, below `write` also create, change and remove; nothing may be
    executed, no TCP port bound or connected (version 4), no process outside signalled (6).
    Paths that do not exist are passed over. Raises OSError when the kernel refuses, and
    RuntimeError when other threads are already running and would stay free.
    """
    version = abi()
    if version == 0:
        return 0
    if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 - this runs before pathlib is worth importing
        raise RuntimeError("Landlock binds one thread, but several are running")
    handled = (1 << _RIGHTS_BY_ABI.get(version, _ALL_RIGHTS)) - 1
    ruleset = _create_ruleset(version, handled)
    try:
        for path in read:
            _allow(ruleset, path, _READ & handled)
        for path in write:
            _allow(ruleset, path, _WRITE & handled)
        libc = _libc()
        _check(libc.prctl(_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))
        _check(libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return version


def _create_ruleset(version: int, handled: int) -> int:
    fields = [handled]
    if version >= NETWORK_ABI:
        fields.append(_TCP_BIND_AND_CONNECT)
    if version >= SCOPE_ABI:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return _check(_libc().syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # what cannot be opened needs no permission
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= _FILE_ONLY
        rule = struct.pack("=Qi", rights, target)
        _check(_libc().syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0)))
    finally:
        os.close(target)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result
