"""The filter programs, run by a small interpreter of classic BPF: for both processors, on any machine."""

import errno
import struct

import pytest

from llmi_sandbox.code.isolation import seccomp
from llmi_sandbox.code.isolation.syscalls import NUMBERS, number

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PID = 4242


def answer(program, nr, arch, arguments):
    """What the kernel would answer. Fails on a jump or a load outside the program or the data."""
    data = struct.pack("=iIQ6Q", nr, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    assert len(steps) <= 4096
    position = accumulator = 0
    while True:
        code, if_true, if_false, k = steps[position]
        position += 1
        if code == 0x06:
            return k
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:
            accumulator &= k
        elif code == 0x05:
            position += k
        else:
            holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            position += if_true if holds else if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def ask(request):
    machine = request.param
    program = seccomp.for_process(seccomp.compile_filter(machine=machine), PID)

    def ask(name, *arguments):
        nr = number(name, machine)
        return None if nr is None else answer(program, nr, ARCH[machine], arguments)

    ask.raw = lambda nr, arch=ARCH[machine]: answer(program, nr, arch, ())
    ask.machine = machine
    return ask


def test_every_named_call_gets_its_answer(ask):
    for names, expected in (
        (seccomp.FILES, ALLOW),
        (seccomp.MEMORY, ALLOW),
        (seccomp.PROCESS, ALLOW),
        (seccomp.HOSTILE, KILL),
        (seccomp.MODES, ERRNO | errno.EPERM),
        (seccomp.LINKS, ERRNO | errno.EACCES),
        (seccomp.EXTENDED_ATTRIBUTES, ERRNO | errno.ENOTSUP),
        ("clone3", ERRNO | errno.ENOSYS),
    ):
        for name in names.split():
            assert ask(name) in (expected, None), name


def test_what_is_not_named_is_refused(ask):
    for nr in (number("capset", ask.machine), 300, 500, 5000):
        assert ask.raw(nr) == ERRNO | errno.EPERM


def test_another_processors_calls_end_the_process(ask):
    assert ask.raw(0, 0x40000003) == KILL
    if ask.machine == "x86_64":
        assert ask.raw(0x40000000) == KILL


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("clone", (0x3D0F00,), True),  # what pthread_create asks for
        ("clone", (0x01200011,), False),  # fork
        ("clone", (0x10000 | 0x10000000,), False),  # a thread in a new user namespace
        ("clone", (0x10000 | 0x00020000,), False),
        ("kill", (PID, 15), True),
        ("kill", (PID, 9), False),  # only the kernel may: `killed` is then never the snippet's word
        ("tgkill", (PID, 1, 9), False),
        ("kill", (PID + 1, 15), False),
        ("kill", (0, 15), False),
        ("kill", (2**32 - 1, 15), False),
        ("tgkill", (PID, 1, 15), True),
        ("tgkill", (1, 1, 15), False),
        ("getpgid", (0,), True),
        ("getpgid", (PID,), True),
        ("getpgid", (PID + 1,), False),
        ("getpriority", (0, PID + 1), False),
        ("sched_getaffinity", (0,), True),
        ("sched_getaffinity", (1,), False),
        ("prlimit64", (0, 7, 0, 0x7000), True),
        ("prlimit64", (PID, 7, 0, 0x7000), True),
        ("prlimit64", (1, 7, 0, 0x7000), False),
        ("prlimit64", (0, 7, 0x7000, 0), False),
        ("prlimit64", (0, 7, 0x700000000, 0), False),
        ("socketpair", (1, 1 | 0o2000000), True),
        ("socketpair", (1, 2), False),
        ("socketpair", (16, 1), False),
        ("fcntl", (3, 4), True),
        ("fcntl", (3, 8), False),
        ("fcntl", (3, 10), False),
        ("ioctl", (0, 0x5401), True),
        ("ioctl", (0, 0x5412), False),
        ("prctl", (15,), True),
        ("prctl", (1,), False),
        ("prctl", (22,), False),
    ],
)
def test_arguments_decide(ask, name, arguments, allowed):
    assert (ask(name, *arguments) == ALLOW) is allowed


def test_modes_and_links_are_allowed_in_a_tree_of_its_own():
    open_filter = seccomp.compile_filter(machine="x86_64", own_tree=True)
    for name in f"{seccomp.MODES} {seccomp.LINKS}".split():
        if (nr := number(name, "x86_64")) is not None:
            assert answer(open_filter, nr, ARCH["x86_64"], ()) == ALLOW


def test_the_process_number_is_written_exactly_where_it_belongs():
    raw = seccomp.compile_filter(machine="x86_64")
    own = seccomp.for_process(raw, PID)
    differing = [at for at in range(0, len(raw), 8) if raw[at : at + 8] != own[at : at + 8]]
    assert len(differing) > 3
    assert all(own[at + 4 : at + 8] == struct.pack("=I", PID) for at in differing)


def test_no_number_is_used_twice():
    for column in (0, 1):
        numbers = [pair[column] for pair in NUMBERS.values() if pair[column] is not None]
        assert len(numbers) == len(set(numbers))
