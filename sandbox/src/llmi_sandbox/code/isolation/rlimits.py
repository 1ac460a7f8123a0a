"""Resource limits, no new privileges, no capabilities: the oldest layers, which hold everywhere on Linux."""

from __future__ import annotations

import math
import resource
import struct

from llmi_sandbox.code.isolation.libc import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, prctl, syscall
from llmi_sandbox.code.limits import Limits

_CAPABILITY_VERSION_3 = 0x20080522


def apply(limits: Limits, *, base_memory: int) -> None:
    """Limit the calling process. `base_memory` is the address space it has before the snippet runs, in bytes."""
    cpu = max(1, math.ceil(limits.cpu_seconds))
    for name, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),  # SIGXCPU, and a second later SIGKILL for those who ignore it
        (resource.RLIMIT_FSIZE, *_twice(max(limits.file_bytes, limits.output_bytes))),
        (resource.RLIMIT_NOFILE, *_twice(limits.open_files)),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_AS, *_twice(base_memory + limits.memory_bytes)),
    ):
        _lower(name, soft, hard)


def address_space() -> int:
    """Bytes of address space this process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def drop_privileges() -> None:
    """Give up every capability, and the ways to regain one. A root user is then one in name."""
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    syscall("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))


def offer_to_oom_killer() -> None:
    """When the machine runs out of memory, let this process go first, and no process of the user's."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _twice(value: int) -> tuple[int, int]:
    return value, value


def _lower(name: int, soft: int, hard: int) -> None:
    """Set a limit, never above what the process was given."""
    given = resource.getrlimit(name)[1]
    if given != resource.RLIM_INFINITY:
        soft, hard = min(soft, given), min(hard, given)
    resource.setrlimit(name, (soft, hard))
