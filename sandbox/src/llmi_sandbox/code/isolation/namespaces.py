"""Namespaces: a world of its own, where the files, processes and networks of the machine do not exist.

`enter` is called once per zygote, before it forks; `fresh_tmp` once per snippet. Both work for root and for
ordinary users where the kernel allows user namespaces; most containers do not.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from llmi_sandbox.code.isolation.libc import call, syscall

_NEWNS = 0x00020000
_NEW_USER_MOUNT_PID_NET_IPC_UTS = 0x10000000 | _NEWNS | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000

_MS_NOSUID, _MS_NODEV = 2, 4
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_READ_ONLY, _NO_SUID, _NO_DEVICES = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000


def scratch_path(readable: Iterable[Path]) -> Path:
    """Where snippets write: /tmp, unless something they must read lies below it."""
    tmp = Path("/tmp")  # noqa: S108 - a path inside the new root, not the machine's /tmp
    return Path("/scratch") if any(path.is_relative_to(tmp) for path in readable) else tmp


def enter(root: Path, readable: Iterable[Path], devices: Iterable[Path]) -> None:
    """Move the calling process, one thread, into new namespaces with a file tree of read-only paths alone.

    Its next fork is process 1 of a new process tree. Raises OSError; it may then be half moved, so try in a
    process that can be thrown away first (`tier.measure`).

    Args:
        root: an empty folder; it becomes the mount point of the new tree.
        readable: paths to keep, under their own names.
        devices: device files to keep.
    """
    readable = tuple(readable)
    uid, gid = os.getuid(), os.getgid()
    call("unshare", _NEW_USER_MOUNT_PID_NET_IPC_UTS)
    Path("/proc/self/setgroups").write_bytes(b"deny")
    Path("/proc/self/uid_map").write_bytes(b"%d %d 1" % (uid, uid))
    Path("/proc/self/gid_map").write_bytes(b"%d %d 1" % (gid, gid))
    _mount("none", Path("/"), None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    _mirror(root, readable)
    for device in devices:
        _bind(root, device)
    _inside(root, scratch_path(readable)).mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    syscall("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/")
    _set_attributes(Path("/"), _READ_ONLY | _NO_SUID, recursive=False)


def fresh_tmp(path: Path, size: int, files: int) -> None:
    """Give the calling process a scratch nobody else sees; the kernel removes it with the process."""
    call("unshare", _NEWNS)
    _mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes={files},mode=0700")


def _mirror(root: Path, paths: Iterable[Path]) -> None:
    """Bind the real paths, outermost first, then add the symbolic links that led to them."""
    bound: list[Path] = []
    for real in sorted({Path(os.path.realpath(path)) for path in paths}):
        if not any(real.is_relative_to(other) for other in bound):
            _bind(root, real)
            _set_attributes(_inside(root, real), _READ_ONLY | _NO_SUID | _NO_DEVICES, recursive=True)
            bound.append(real)
    for path in paths:
        here = _inside(root, path)
        if not os.path.lexists(here):
            here.parent.mkdir(parents=True, exist_ok=True)
            here.symlink_to(os.path.realpath(path))


def _bind(root: Path, path: Path) -> None:
    here = _inside(root, path)
    if path.is_dir():
        here.mkdir(parents=True, exist_ok=True)
    else:
        here.parent.mkdir(parents=True, exist_ok=True)
        here.touch()
    _mount(str(path), here, None, _MS_BIND | _MS_REC)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _mount(source: str, target: Path, kind: str | None, flags: int, options: str | None = None) -> None:
    try:
        call("mount", source.encode(), os.fsencode(target), kind and kind.encode(), flags, options and options.encode())
    except OSError as error:
        raise OSError(error.errno, f"mounting {source} at {target}: {os.strerror(error.errno or 0)}") from None


def _set_attributes(path: Path, attributes: int, *, recursive: bool) -> None:
    request = struct.pack("=QQQQ", attributes, 0, 0, 0)
    syscall("mount_setattr", _AT_FDCWD, os.fsencode(path), _AT_RECURSIVE if recursive else 0, request, len(request))
