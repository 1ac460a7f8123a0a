"""Landlock: what a process may open, connect to and signal, decided by the kernel and irrevocable.

It says nothing about `stat`, `chmod`, `utime` or sockets that exist; seccomp covers those.
Source: the kernel's `Documentation/userspace-api/landlock.rst`, ABI 1 to 6.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from llmi_sandbox.code.isolation.libc import syscall

_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_MAKE_CHAR = 1 << 6
_MAKE_SOCK = 1 << 9
_MAKE_BLOCK = 1 << 11
_EXECUTE = 1 << 0
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15

_READ = _READ_FILE | _READ_DIR
_NEVER = _EXECUTE | _MAKE_CHAR | _MAKE_BLOCK | _MAKE_SOCK | _IOCTL_DEV
_ON_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_GET_VERSION = 1
_PATH_BENEATH = 1


def abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    try:
        return syscall("landlock_create_ruleset", 0, 0, _GET_VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Confine the calling process to reading below some paths, reading and writing below others.

    Nothing can be executed, no TCP port reached (kernel 6.7), no abstract socket or process outside (6.12).
    Needs no-new-privileges. Raises OSError; a path that does not exist is passed over.
    """
    version = abi()
    every = _all_rights(version)
    ports = _TCP_BIND_AND_CONNECT if version >= 4 else 0
    scope = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
    attributes = struct.pack("=QQQ", every, ports, scope)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = syscall("landlock_create_ruleset", attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, _READ & every)
        for path in writable:
            _allow(ruleset, path, every & ~_NEVER)
        syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _all_rights(version: int) -> int:
    rights = (1 << 13) - 1
    if version >= 2:
        rights |= _REFER
    if version >= 3:
        rights |= _TRUNCATE
    if version >= 5:
        rights |= _IOCTL_DEV
    return rights


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # a font folder that is not there takes nothing away
        return
    try:
        if not path.is_dir():
            rights &= _ON_A_FILE
        syscall("landlock_add_rule", ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, target), 0)
    finally:
        os.close(target)
