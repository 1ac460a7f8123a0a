"""The attacks of `attacks/`, what they are aimed at, and the oracles that tell whether they worked.

`python attack_suite.py root|nobody|docker` runs all of them in a sandbox whose host first becomes that, and prints
what worked as JSON. See `attacks/README.md` for how attacks are written.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import blocks

from llmi_sandbox.code.isolation.libc import call, prctl, syscall
from llmi_sandbox.code.isolation.syscalls import number

FOLDER = Path(__file__).with_name("attacks")
PROOF = "the-key-of-the-user"
_HEAD = re.compile(r"(?P<name>.+?) -> (?P<oracle>\w+)(?: \((?P<flag>\w+)\))?(?P<values>.*)")
_LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@dataclass(frozen=True)
class Attack:
    code: str
    oracle: Callable[[Target, str], bool]
    flag: str
    """What it takes to work on a plain interpreter: "", `root`, `libraries`, `machine`; or `stat`, see the README."""


def load() -> dict[str, Attack]:
    found = {}
    for topic, head, code in blocks.read(FOLDER):
        parts = _HEAD.fullmatch(head)
        assert parts, head
        prelude = _LIBC if "libc." in code else ""
        oracle = ORACLES[parts["oracle"]]
        found[f"{topic}: {parts['name']}{parts['values']}"] = Attack(prelude + code, oracle, parts["flag"] or "")
    return found


@dataclass
class Target:
    """What is there to be attacked: files, a process, open doors."""

    folder: Path
    victim: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "secret").write_text(PROOF)
        (self.folder / "module.py").write_text(f"print({PROOF!r})")
        (self.folder / "alias").symlink_to("secret")
        (self.folder / "kept").write_text("kept")
        os.utime(self.folder / "kept", (1, 1))
        (self.folder / "kept").chmod(0o600)
        with (self.folder / "secret").open() as read:
            self.victim = subprocess.Popen(
                [PROOF, "600"],
                executable="/bin/sleep",
                env={"KEY": PROOF},
                cwd=self.folder,
                stdin=read,
                start_new_session=True,
            )
        self.doors = []
        for family, kind, address in (
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, f"{self.folder}/door"),
            (socket.AF_UNIX, socket.SOCK_STREAM, f"\0llmi-door-{os.getpid()}"),
            (socket.AF_UNIX, socket.SOCK_DGRAM, f"{self.folder}/letters"),
        ):
            door = socket.socket(family, kind)
            door.bind(address)
            door.setblocking(False)
            if kind == socket.SOCK_STREAM:
                door.listen(8)
            self.doors.append(door)

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for door in self.doors:
            door.close()
        for place in _PUBLIC:
            (place / f"llmi-left-{os.getpid()}").unlink(missing_ok=True)

    def fill(self, code: str) -> str:
        values = {
            "folder": self.folder,
            "victim": self.victim.pid,
            "host": os.getpid(),
            "tcp": self.doors[0].getsockname()[1],
            "udp": self.doors[1].getsockname()[1],
        }
        for name, value in values.items():
            code = code.replace("{" + name + "}", str(value))
        return re.sub(r"\{NR_(\w+)\}", lambda match: str(number(match[1])), code)

    @property
    def environment(self) -> dict[str, str]:
        """What a host might hold: keys, and a home with more of them."""
        return {"KEY": PROOF, "HOME": os.fspath(self.folder)}


@contextlib.contextmanager
def a_target(folder: Path) -> Iterator[Target]:
    target = Target(folder)
    try:
        yield target
    finally:
        target.close()


# -- oracles: each takes the target and what the attack printed ---------------------------------------------------

_PUBLIC = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))


def printed(target: Target, output: str) -> bool:
    return PROOF in output


def bragged(target: Target, output: str) -> bool:
    """The attack itself saw that it worked, and the snippet has no reason to lie."""
    return "it worked" in output


def reached(target: Target, output: str) -> bool:
    """Whether anything came through a door since the last time."""
    time.sleep(0.02)
    for door in target.doors:
        with contextlib.suppress(BlockingIOError):
            if door.type == socket.SOCK_STREAM:
                door.accept()[0].close()
            else:
                door.recv(100)
            return True
    return False


def killed(target: Target, output: str) -> bool:
    time.sleep(0.05)
    return target.victim.poll() is not None


def stopped(target: Target, output: str) -> bool:
    time.sleep(0.02)
    halted = Path(f"/proc/{target.victim.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    target.victim.send_signal(signal.SIGCONT)
    return halted


def appeared(target: Target, output: str) -> bool:
    return any(name.startswith("new") for name in os.listdir(target.folder))


def left(target: Target, output: str) -> bool:
    return any((place / f"llmi-left-{os.getpid()}").exists() for place in _PUBLIC)


def changed(target: Target, output: str) -> bool:
    kept = target.folder / "kept"
    if not kept.exists():
        return True
    now = kept.stat()
    told = (kept.read_text(), now.st_mtime, now.st_mode & 0o777, now.st_nlink, now.st_uid)
    return told != ("kept", 1, 0o600, 1, os.getuid())


def slowed(target: Target, output: str) -> bool:
    return os.getpriority(os.PRIO_PROCESS, target.victim.pid) != os.getpriority(os.PRIO_PROCESS, 0)


def moved(target: Target, output: str) -> bool:
    pid = target.victim.pid
    return os.sched_getscheduler(pid) != os.SCHED_OTHER or os.sched_getaffinity(pid) != os.sched_getaffinity(0)


def offered(target: Target, output: str) -> bool:
    return Path(f"/proc/{target.victim.pid}/oom_score_adj").read_text() == "777\n"


ORACLES = {
    oracle.__name__: oracle
    for oracle in (printed, bragged, reached, killed, stopped, appeared, left, changed, slowed, moved, offered)
}


# -- hosts -------------------------------------------------------------------------------------------------------


def become(sort: str) -> None:
    """Turn this process, one thread and root, into the sort of host a sandbox may have; for good."""
    if sort == "nobody":
        _become_nobody()
    elif sort == "docker":
        _refuse(_DOCKER_REFUSES.split())
        _keep_capabilities(_DOCKER_KEEPS)


def _become_nobody() -> None:
    """By name where that user may run this interpreter; else as a user of a namespace who merely owns our files."""
    nobody = 65534
    try:
        subprocess.run([sys.executable, "-c", ""], user=nobody, group=nobody, check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        owner, group = os.getuid(), os.getgid()
        call("unshare", 0x10000000)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{nobody} {owner} 1")
        Path("/proc/self/gid_map").write_text(f"{nobody} {group} 1")
        _keep_capabilities(())
    else:
        os.setgroups([])
        os.setgid(nobody)
        os.setuid(nobody)


# What Docker's default profile refuses of the calls known here, and the capabilities it leaves to a container's root.
# Source: moby/profiles/seccomp/default.json and moby/oci/caps/defaults.go.
_DOCKER_REFUSES = """
    acct add_key bpf clock_adjtime clock_settime delete_module finit_module fsconfig fsmount fsopen fspick init_module
    io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl mount
    mount_setattr move_mount open_by_handle_at open_tree perf_event_open pivot_root quotactl reboot request_key
    setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare userfaultfd
"""
_DOCKER_KEEPS = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
_NEW_NAMESPACES = 0x7E020000


def _refuse(names: list[str]) -> None:
    """A filter as Docker's: those calls fail, `clone` makes no namespaces, `clone3` does not exist."""
    code = struct.pack("=HBBI", 0x20, 0, 0, 0)
    for name in names:
        code += struct.pack("=HBBI", 0x15, 0, 1, number(name) or 9999) + struct.pack("=HBBI", 0x06, 0, 0, _EPERM)
    code += struct.pack("=HBBI", 0x15, 0, 1, number("clone3")) + struct.pack("=HBBI", 0x06, 0, 0, _ENOSYS)
    code += struct.pack("=HBBI", 0x15, 0, 3, number("clone")) + struct.pack("=HBBI", 0x20, 0, 0, 16)
    code += struct.pack("=HBBI", 0x45, 0, 1, _NEW_NAMESPACES) + struct.pack("=HBBI", 0x06, 0, 0, _EPERM)
    code += struct.pack("=HBBI", 0x06, 0, 0, _ALLOW)
    program = ctypes.create_string_buffer(code, len(code))
    prctl(22, 2, struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(program)))


def _keep_capabilities(kept: tuple[int, ...]) -> None:
    for capability in range(64):
        if capability not in kept:
            with contextlib.suppress(OSError):  # the kernel has no such capability
                prctl(24, capability)
    low = sum(1 << capability for capability in kept)
    syscall("capset", struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", low, low, 0, 0, 0, 0))


def run_plainly(attack: Attack, target: Target, folder: Path) -> str:
    """Run an attack with a plain interpreter in `folder`. Returns what it printed."""
    site = [] if attack.flag == "libraries" else ["-S"]
    done = subprocess.run(
        [sys.executable, *site, "-c", target.fill(attack.code)],
        env={**os.environ, **target.environment},
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        start_new_session=True,
        check=False,
    )
    return done.stdout


# -- running -----------------------------------------------------------------------------------------------------


def run_all(sandbox, attacks: dict[str, Attack], folder: Path) -> dict[str, str]:
    """Run attacks in a sandbox. Returns those that worked, and those after which the sandbox was not well."""
    worked = {}
    for count, (name, attack) in enumerate(attacks.items()):
        place = folder / str(count)
        place.mkdir()
        with a_target(place) as target:
            result = sandbox.run(target.fill(attack.code))
            if attack.oracle(target, result.stdout):
                worked[name] = f"{result.kind}: {result.stdout[:200]}"
            elif result.kind.startswith("sandbox_"):
                worked[name] = f"{result.kind}: {result.message}"
            elif not target.folder.exists() or (attack.oracle is not killed and target.victim.poll() is not None):
                worked[name] = "the host is not well"
    return worked


def main() -> None:
    sort, *chosen = sys.argv[1:]
    try:
        become(sort)
    except OSError as error:
        sys.exit(f"this machine does not let me become {sort}: {error}")
    from llmi_sandbox.code import CodeSandbox, Limits

    step = int(chosen[0]) if chosen else 1
    attacks = dict(list(load().items())[::step])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({"KEY": PROOF, "HOME": folder})
        with CodeSandbox(workers=1, limits=Limits(cpu_seconds=2)) as sandbox:
            tier = sandbox.start().tier
            worked = run_all(sandbox, attacks, Path(folder))
            well = sandbox.run("plt.plot([1, 2])").ok
    leaks = {name for name in worked if attacks[name].flag == "stat"} if tier == "B" else set()
    json.dump(
        {
            "host": sort,
            "tier": tier,
            "attacks": len(attacks),
            "worked": {name: said for name, said in worked.items() if name not in leaks},
            "documented": sorted(leaks),
            "well": well,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
