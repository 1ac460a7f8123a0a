"""Memory is copied ahead: the right pages, never the others, and not while a request waits."""

import ctypes
import os
import resource
import struct

import pytest

from llmi_sandbox.code.zygote import pages

PAGE = os.sysconf("SC_PAGESIZE")
COUNT = 4096


@pytest.fixture
def memory():
    """Pages of our own, none shared and none missing."""
    return bytearray(b"x" * (COUNT * PAGE))


def write_every_other(memory):
    start = -address(memory) % PAGE
    for at in range(start, len(memory), 2 * PAGE):
        memory[at] = 1


def address(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def in_a_fork(action):
    """What an action answers in a fork, a number."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, str(action()).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with open(reader) as pipe:
        return int(pipe.read())


def faults_of(memory, written, channel):
    def count():
        pages.populate(written, until_readable=channel)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        write_every_other(memory)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    return in_a_fork(count)


@pytest.fixture
def learnt(memory):
    found = pages.learn(lambda: write_every_other(memory))
    if not found:
        pytest.skip("this kernel does not tell what a process has written to")
    return found


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_the_pages_a_fork_writes_to_are_learnt_and_no_others(memory, learnt):
    first = -(-address(memory) // PAGE)
    found = {
        number
        for start, length in struct.iter_unpack("=QQ", learnt)
        for number in range(start // PAGE, (start + length) // PAGE)
    }
    inside = [first + k in found for k in range(COUNT - 2)]  # the last ones are shared with other objects
    assert inside == [k % 2 == 0 for k in range(COUNT - 2)]


def test_pages_copied_ahead_cause_no_faults(memory, learnt, pipe):
    without = faults_of(memory, b"", pipe[0])
    assert without >= COUNT / 2
    ahead = faults_of(memory, learnt, pipe[0])
    if ahead >= without:
        pytest.skip("this kernel does not copy pages on request")
    assert ahead < COUNT / 20


def test_a_request_that_waits_comes_first(memory, learnt, pipe):
    os.write(pipe[1], b"request")
    assert faults_of(memory, learnt, pipe[0]) >= COUNT / 2


def test_work_that_fails_teaches_nothing():
    assert pages.learn(lambda: 1 / 0) == b""


def test_what_the_kernel_refuses_is_let_be(pipe):
    nowhere = struct.pack("=QQ", PAGE, PAGE)
    pages.populate(nowhere, until_readable=pipe[0])


def test_gathered_memory_is_in_huge_pages_and_unchanged():
    def gathered():
        memory = bytearray(b"x" * (32 * 2**20))
        before = huge_kilobytes()
        pages.gather()
        return huge_kilobytes() - before if memory == b"x" * len(memory) else -1

    found = in_a_fork(gathered)
    assert found >= 0
    if found == 0:
        pytest.skip("this kernel has no huge pages to give")
    assert found >= 16 * 2**10


def huge_kilobytes():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("AnonHugePages"))
