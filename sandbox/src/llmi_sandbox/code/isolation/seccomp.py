"""A seccomp filter: which system calls a snippet may make at all.

What is not named fails with EPERM, which Python shows as a readable PermissionError. Calls that only an attack
makes end the process (SIGSYS), and the run is reported as `policy`. There are threads but no other processes:
`clone` must ask for a thread, `fork` and `execve` are not allowed. Signals go to the process itself only, and never
SIGKILL: that one is the kernel's, and `killed` then means that the machine ran out of memory.

The program is classic BPF over `struct seccomp_data`: a search tree over the call's number, with a few tests of
arguments in its leaves. The kernel runs it once per possible call when it is installed, so a straight list would
cost every child a quarter of a millisecond.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import signal
import struct
from collections.abc import Iterable

from llmi_sandbox.code.isolation.libc import PR_SET_SECCOMP, prctl
from llmi_sandbox.code.isolation.syscalls import number

FILES = (
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek open openat "
    "openat2 creat stat fstat lstat newfstatat statx access faccessat faccessat2 getcwd chdir "
    "fchdir getdents getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat link "
    "linkat ftruncate fallocate fsync fdatasync flock copy_file_range sendfile umask statfs fstatfs fadvise64 dup "
    "dup2 dup3 pipe pipe2 eventfd eventfd2 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
    "poll ppoll select pselect6 timerfd_create timerfd_settime timerfd_gettime sendto recvfrom sendmsg recvmsg "
    "shutdown getsockopt setsockopt getsockname getpeername"
)
MEMORY = "mmap munmap mprotect mremap madvise brk msync mincore"
PROCESS = (
    "futex set_robust_list rseq set_tid_address membarrier rt_sigaction rt_sigprocmask rt_sigreturn "
    "rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause alarm getitimer setitimer restart_syscall "
    "nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getrusage sysinfo uname getpid "
    "getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp "
    "sched_yield sched_get_priority_max sched_get_priority_min "
    "getcpu getrandom getrlimit exit exit_group arch_prctl wait4 waitid"
)
MODES = "chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat"
"""Allowed only where everything outside the scratch is mounted read-only: Landlock does not stop these."""

LINKS = "readlink readlinkat"
"""Likewise: elsewhere they would tell where other people's links lead. `os.path.realpath` copes without."""

EXTENDED_ATTRIBUTES = "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr"
HOSTILE = (
    "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd pidfd_send_signal mount umount2 pivot_root move_mount "
    "open_tree fsopen fsconfig fsmount fspick mount_setattr unshare setns bpf perf_event_open userfaultfd "
    "io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key init_module finit_module "
    "delete_module kexec_load kexec_file_load reboot swapon swapoff open_by_handle_at acct syslog quotactl "
    "settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname iopl ioperm modify_ldt"
)

_ASKING = "getpgid getsid sched_getaffinity sched_getparam sched_getscheduler"
"""Calls that ask about a process by its number; about another one they would tell whether it exists."""

# Left out on purpose: fcntl(F_SETOWN) sends signals anywhere, ioctl(TIOCSTI) types into a terminal.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
_PRCTL = (3, 15, 16, 23, 39, 42, 0x53564D41)  # reading, thread names, names of anonymous memory
_CLONE_THREAD = 0x00010000
_CLONE_NEW_NAMESPACES = 0x7E020000
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE = 1, 1, 0xF

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

_LOAD, _JUMP, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x54, 0x06
_NR, _ARCH, _ARGUMENTS = 0, 4, 16

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000

# A filter knows its process. It is compiled once with this in the process number's place (no constant of the
# program looks like it), and each child writes its own number there.
_PID_PLACEHOLDER = struct.pack("=I", 0x7E57D1D5)


class _Program:
    """Instructions, eight bytes each."""

    def __init__(self) -> None:
        self.code = b""

    def add(self, operation: int, k: int, if_true: int = 0, if_false: int = 0) -> _Program:
        self.code += struct.pack("=HBBI", operation, if_true, if_false, k & 0xFFFFFFFF)
        return self

    def load_argument(self, index: int, half: int = 0) -> None:
        """The low (0) or high (1) 32 bits of an argument; both machines are little-endian."""
        self.add(_LOAD, _ARGUMENTS + 8 * index + 4 * half)


def compile_filter(*, machine: str | None = None, own_tree: bool = False) -> bytes:
    """The program as bytes, still without a process number (see `for_process`).

    Args:
        machine: `x86_64` or `aarch64`; default this one.
        own_tree: also allow chmod, utime and readlink; only safe in a file tree where nothing outside is to be seen,
            and all is read-only.
    """
    machine = machine or platform.machine()
    program = _Program()
    program.add(_LOAD, _ARCH)
    program.add(_EQUAL, _AUDIT_ARCH[machine], 1, 0)
    program.add(_RETURN, _KILL)
    program.add(_LOAD, _NR)
    if machine == "x86_64":
        program.add(_AT_LEAST, _X32_BIT, 0, 1)
        program.add(_RETURN, _KILL)
    answers = {nr: answer for name, answer in _answers(own_tree).items() if (nr := number(name, machine)) is not None}
    return program.code + _tree(_ranges(answers))


def _answers(own_tree: bool) -> dict[str, bytes]:
    """What becomes of each named call: a piece of program that ends with an answer."""
    answers = {}
    for names, action in (
        (HOSTILE, _KILL),
        (EXTENDED_ATTRIBUTES, _ERRNO | errno.ENOTSUP),
        ("clone3", _ERRNO | errno.ENOSYS),  # its flags lie in memory; libc then takes clone
        (LINKS, _ERRNO | errno.EACCES),
        (f"{FILES} {MEMORY} {PROCESS}", _ALLOW),
        (f"{MODES} {LINKS}" if own_tree else "", _ALLOW),
    ):
        answers.update(dict.fromkeys(names.split(), _answer(action)))
    refused = _answer(_ERRNO | errno.EPERM)
    answers.update(dict.fromkeys(_ASKING.split(), _itself(0) + refused))
    return answers | {
        "getpriority": _itself(1) + refused,
        "kill": _own_process(signal_argument=1) + refused,
        "tgkill": _own_process(signal_argument=2) + refused,
        "prlimit64": _own_limits() + refused,
        "clone": _thread() + refused,
        "socketpair": _stream_pair() + _answer(_ERRNO | errno.EACCES),
        "fcntl": _one_of(1, _FCNTL) + refused,
        "ioctl": _one_of(1, _IOCTL) + refused,
        "prctl": _one_of(0, _PRCTL) + refused,
    }


def _answer(action: int) -> bytes:
    return _Program().add(_RETURN, action).code


def _ranges(answers: dict[int, bytes]) -> list[tuple[int, bytes]]:
    """Where a run of equal answers begins, and the answer; what is not named is refused."""
    refused = _answer(_ERRNO | errno.EPERM)
    ranges = [(0, answers.get(0, refused))]
    for nr in range(1, max(answers) + 2):
        answer = answers.get(nr, refused)
        if answer != ranges[-1][1]:
            ranges.append((nr, answer))
    return ranges


def _tree(ranges: list[tuple[int, bytes]]) -> bytes:
    """A program that finds a number's range, halving them at each step."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    lower, upper = _tree(ranges[:middle]), _tree(ranges[middle:])
    step = _Program()
    step.add(_AT_LEAST, ranges[middle][0], 0, 1)
    step.add(_JUMP, len(lower) // 8)  # past the lower half; conditional jumps do not reach that far
    return step.code + lower + upper


def for_process(program: bytes, pid: int) -> bytes:
    """The filter for one process, which may signal and measure itself and no other."""
    return program.replace(_PID_PLACEHOLDER, struct.pack("=I", pid))


def install(program: bytes) -> None:
    """Put the calling process, one thread, under a filter for good. Needs no-new-privileges. Raises OSError."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, 2, header)


def _own_process(signal_argument: int) -> bytes:
    tests = _Program()
    tests.load_argument(0)
    tests.add(_EQUAL, struct.unpack("=I", _PID_PLACEHOLDER)[0], 0, 3)
    tests.load_argument(signal_argument)
    tests.add(_EQUAL, signal.SIGKILL, 1, 0)
    tests.add(_RETURN, _ALLOW)
    return tests.code


def _itself(argument: int) -> bytes:
    """A process number that is its own, or 0, which means the same."""
    return _one_of(argument, (0, struct.unpack("=I", _PID_PLACEHOLDER)[0]))


def _own_limits() -> bytes:
    """prlimit64(0 or itself, what, NULL, old): read, never set."""
    tests = _Program()
    tests.load_argument(2)
    tests.add(_EQUAL, 0, 0, 6)
    tests.load_argument(2, half=1)
    tests.add(_EQUAL, 0, 0, 4)
    tests.load_argument(0)
    tests.add(_EQUAL, 0, 1, 0)
    tests.add(_EQUAL, struct.unpack("=I", _PID_PLACEHOLDER)[0], 0, 1)
    tests.add(_RETURN, _ALLOW)
    return tests.code


def _thread() -> bytes:
    tests = _Program()
    tests.load_argument(0)
    tests.add(_ANY_BIT, _CLONE_NEW_NAMESPACES, 2, 0)
    tests.add(_ANY_BIT, _CLONE_THREAD, 0, 1)
    tests.add(_RETURN, _ALLOW)
    return tests.code


def _stream_pair() -> bytes:
    """A pair of streams, as asyncio makes; a datagram socket could still send to an address."""
    tests = _Program()
    tests.load_argument(0)
    tests.add(_EQUAL, _AF_UNIX, 0, 4)
    tests.load_argument(1)
    tests.add(_AND, _SOCK_TYPE)
    tests.add(_EQUAL, _SOCK_STREAM, 0, 1)
    tests.add(_RETURN, _ALLOW)
    return tests.code


def _one_of(argument: int, values: Iterable[int]) -> bytes:
    tests = _Program()
    tests.load_argument(argument)
    for value in values:
        tests.add(_EQUAL, value, 0, 1)
        tests.add(_RETURN, _ALLOW)
    return tests.code
