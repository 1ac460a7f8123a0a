"""Attacks, each with an oracle that tells from outside whether it worked.

Nearly all are first shown to work against a plain interpreter: an attack that never works proves nothing. In the
sandbox none may. `{...}` in a snippet is filled from `Target`.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmi_sandbox.code import CodeSandbox, Limits

PROOF = "the-key-of-the-user"


@dataclass
class Target:
    """What is there to be attacked."""

    folder: Path
    victim: subprocess.Popen = field(init=False)
    calls: list = field(default_factory=list)

    def __post_init__(self):
        (self.folder / "secret").write_text(PROOF)
        (self.folder / "kept").write_text("kept")
        os.utime(self.folder / "kept", (1, 1))
        self.folder.joinpath("kept").chmod(0o600)
        self.victim = subprocess.Popen(["sleep", "600"], env={"KEY": PROOF})
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

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for door in self.doors:
            door.close()

    def fill(self, code):
        values = {
            "folder": self.folder,
            "victim": self.victim.pid,
            "host": os.getpid(),
            "tcp": self.doors[0].getsockname()[1],
            "udp": self.doors[1].getsockname()[1],
        }
        for name, value in values.items():
            code = code.replace("{" + name + "}", str(value))
        return code

    def reached(self):
        """Whether anything came through a door since the last time."""
        for door in self.doors:
            try:
                (door.accept()[0].close if door.type == socket.SOCK_STREAM else lambda d=door: d.recv(100))()
            except BlockingIOError:
                continue
            return True
        return False


# The oracles: each takes the target and what the attack printed.
def printed(target, output):
    return PROOF in output


def bragged(target, output):
    """The attack itself saw that it worked, and the snippet has no reason to lie."""
    return "it worked" in output


def reached(target, output):
    time.sleep(0.05)
    return target.reached()


def killed(target, output):
    time.sleep(0.1)
    return target.victim.poll() is not None


def appeared(target, output):
    return os.path.lexists(target.folder / "new")


def changed(target, output):
    kept = target.folder / "kept"
    if not kept.exists():
        return True
    now = kept.stat()
    return (kept.read_text(), now.st_mtime, now.st_mode & 0o777, now.st_nlink) != ("kept", 1, 0o600, 1)


def slowed(target, output):
    return os.getpriority(os.PRIO_PROCESS, target.victim.pid) != os.getpriority(os.PRIO_PROCESS, 0)


def moved(target, output):
    return os.sched_getscheduler(target.victim.pid) != os.SCHED_OTHER


LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
X86 = os.uname().machine == "x86_64"

ATTACKS = {
    # secrets
    "environment": ("import os; print(os.environ.get('KEY'))", printed),
    "own environment in proc": ("print(open('/proc/self/environ').read())", printed),
    "environment of another process": ("print(open('/proc/{victim}/environ').read())", printed),
    "environment of every process": (
        "import glob\nfor p in glob.glob('/proc/*/environ'):\n try: print(open(p, errors='replace').read())\n"
        " except OSError: pass",
        printed,
    ),
    "environment in memory": (LIBC + "libc.getenv.restype = ctypes.c_char_p\nprint(libc.getenv(b'KEY'))", printed),
    # files
    "read a file": ("print(open('{folder}/secret').read())", printed),
    "read system files": ("if 'root:' in open('/etc/passwd').read(): print('it worked')", bragged),
    "read through a symlink": ("import os; os.symlink('{folder}/secret', 'l'); print(open('l').read())", printed),
    "read through a hard link": ("import os; os.link('{folder}/secret', 'l'); print(open('l').read())", printed),
    "read through a file descriptor": (
        "import os; d = os.open('{folder}', os.O_PATH); print(open(os.open('secret', 0, dir_fd=d)).read())",
        printed,
    ),
    "read through memory": (
        LIBC + "b = ctypes.create_string_buffer(99)\n"
        "f = libc.open(b'{folder}/secret', 0); libc.read(f, b, 99); print(b.value)",
        printed,
    ),
    "list a folder": ("import os\nif 'secret' in os.listdir('{folder}'): print('it worked')", bragged),
    "walk up": (
        "import os\nos.chdir('..')\nwhile os.getcwd() != '/': os.chdir('..')\nos.listdir('.')\n"
        "print(open('{folder}'[1:] + '/secret').read())",
        printed,
    ),
    "write a file": ("open('{folder}/new', 'w').write('x')", appeared),
    "make a folder": ("import os; os.mkdir('{folder}/new')", appeared),
    "make a fifo": ("import os; os.mkfifo('{folder}/new')", appeared),
    "make a symlink": ("import os; os.symlink('x', '{folder}/new')", appeared),
    "overwrite": ("open('{folder}/kept', 'w').write('x')", changed),
    "append": ("open('{folder}/kept', 'a').write('x')", changed),
    "truncate": ("import os; os.truncate('{folder}/kept', 0)", changed),
    "delete": ("import os; os.remove('{folder}/kept')", changed),
    "move away": ("import os; os.rename('{folder}/kept', '{folder}/gone')", changed),
    "hard link inside": ("import os; os.link('{folder}/kept', '{folder}/gone')", changed),
    "change the mode": ("import os; os.chmod('{folder}/kept', 0o777)", changed),
    "change the time": ("import os; os.utime('{folder}/kept', (5, 5))", changed),
    "change through a descriptor": (LIBC + "d = os.open('{folder}/kept', os.O_RDONLY); os.fchmod(d, 0o777)", changed),
    # network
    "tcp": ("import socket; socket.create_connection(('127.0.0.1', {tcp}))", reached),
    "udp": ("import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))", reached),
    "unix socket": ("import socket; socket.socket(socket.AF_UNIX).connect('{folder}/door')", reached),
    "abstract socket": ("import socket; socket.socket(socket.AF_UNIX).connect('\\0llmi-door-{host}')", reached),
    "pair turned letter": (
        "import socket; a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.sendto(b'x', '{folder}/letters')",
        reached,
    ),
    "download": ("import urllib.request as u; u.urlopen('http://127.0.0.1:{tcp}', timeout=0.2)", reached),
    "interfaces": ("import socket\nif socket.if_nameindex(): print('it worked')", bragged),
    # processes
    "kill": ("import os; os.kill({victim}, 9)", killed),
    "kill by thread": (LIBC + "libc.syscall(234 if " + str(X86) + " else 131, {victim}, {victim}, 9)", killed),
    "kill by pidfd": ("import os, signal; signal.pidfd_send_signal(os.pidfd_open({victim}), 9)", killed),
    "kill by input signal": (
        "import fcntl, os; r, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, {victim})\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); os.write(w, b'x')",
        killed,
    ),
    "kill by limit": (
        "import resource as r; r.prlimit({victim}, r.RLIMIT_CPU, (7, 7)); "
        "assert r.prlimit({victim}, r.RLIMIT_CPU) == (7, 7); print('it worked')",
        bragged,
    ),
    "slow another": ("import os; os.setpriority(os.PRIO_PROCESS, {victim}, 19)", slowed),
    "schedule another": ("import os; os.sched_setscheduler({victim}, os.SCHED_BATCH, os.sched_param(0))", moved),
    "trace another": (LIBC + "if libc.ptrace(16, {victim}, 0, 0) == 0: print('it worked')", bragged),
    "look at a process": ("import os; os.kill({victim}, 0); print('it worked')", bragged),
    "run a command": ("import subprocess; subprocess.run(['touch', '{folder}/new'])", appeared),
    "run a shell": ("import os; os.system('touch {folder}/new')", appeared),
    "become a command": ("import os; os.execv('/usr/bin/touch', ['touch', '{folder}/new'])", appeared),
    "spawn": ("import os; os.posix_spawn('/usr/bin/touch', ['touch', '{folder}/new'], {})", appeared),
    "fork": ("import os\nif os.fork(): os.wait(); print('it worked')", bragged),
    "vfork": (
        LIBC + "import sys\nif " + str(X86) + ":\n p = libc.syscall(57)\n if p == 0: os._exit(0)\n"
        " if p > 0: print('it worked')\nelif os.fork(): print('it worked')",
        bragged,
    ),
    # the kernel
    "new namespace": (LIBC + "if libc.unshare(0x10000000) == 0: print('it worked')", bragged),
    "key ring": (
        LIBC + "if libc.syscall(248 if " + str(X86) + " else 217, b'user', b'a', b'b', 1, -3) > 0: print('it worked')",
        bragged,
    ),
    "shared memory": (
        "from multiprocessing.shared_memory import SharedMemory as M\nm = M(create=True, size=9)\n"
        "m.unlink(); print('it worked')",
        bragged,
    ),
    "system v memory": (
        LIBC + "i = libc.shmget(0, 4096, 0o1600)\nif i >= 0: libc.shmctl(i, 0, None); print('it worked')",
        bragged,
    ),
    "memory file": ("import os; os.memfd_create('x'); print('it worked')", bragged),
    "host name": ("import os, socket\nif os.path.exists('/sys/class/net'): print('it worked')", bragged),
}

MAY_SEE = {("host name", "B"): "stat is not controlled in tier B"}
NOT_BARE = {"interfaces", "trace another", "new namespace", "key ring", "shared memory", "vfork"}
"""Depend on the machine the tests run on, and are not shown to work there."""


@pytest.fixture
def target(tmp_path):
    target = Target(tmp_path)
    yield target
    target.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_fail_in_the_sandbox(sandbox, target, monkeypatch, name):
    monkeypatch.setenv("KEY", PROOF)
    code, oracle = ATTACKS[name]
    result = sandbox.run(target.fill(code))
    tier = sandbox.start().tier
    if (name, tier) in MAY_SEE:
        pytest.skip(MAY_SEE[name, tier])
    assert not oracle(target, result.stdout), result
    assert not result.kind.startswith("sandbox_"), result


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - NOT_BARE))
def test_the_same_attacks_work_on_a_plain_interpreter(target, tmp_path_factory, name):
    code, oracle = ATTACKS[name]
    bare = subprocess.run(
        [sys.executable, "-S", "-c", target.fill(code)],
        env={**os.environ, "KEY": PROOF},
        cwd=tmp_path_factory.mktemp("cwd", numbered=True) if "link" not in name else target.folder,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert oracle(target, bare.stdout), bare


FLOODS = {
    "memory": ("x = []\nwhile True: x.append(bytearray(10**7))", {"oom"}),
    "memory in pieces": ("x = []\nwhile True: x.append([0] * 1000)", {"oom"}),
    "address space": ("import mmap\nx = []\nwhile True: x.append(mmap.mmap(-1, 10**8))", {"exception", "oom"}),
    "processor": ("while True: pass", {"timeout_cpu"}),
    "processor, ignoring the warning": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        {"timeout_cpu"},
    ),
    "processor, in C": ("sum(range(10**12))", {"timeout_cpu"}),
    "processor, in a thread": (
        "import threading\nfor _ in range(4): threading.Thread(target=sum, args=(range(10**12),)).start()",
        {"timeout_cpu", "no_figure"},
    ),
    "processor, when it ends": (
        "import atexit, signal\n@atexit.register\ndef f():\n  while True: pass\nplt.plot([1, 2])",
        {"ok"},
    ),
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()",
        {"exception", "oom"},
    ),
    "processes": ("import os\nwhile True: os.fork()", {"exception"}),
    "output": ("while True: print('x' * 10**6)", {"output_limit"}),
    "output past the stream": ("import os\nwhile True: os.write(1, bytes(10**6))", {"output_limit"}),
    "one file": ("f = open('f', 'wb')\nwhile True: f.write(bytes(10**6))", {"disk_limit"}),
    "many files": ("for i in range(10**6): open(str(i), 'w').close()", {"disk_limit"}),
    "deep folders": (
        "import os\nfor i in range(10**5): os.mkdir('d'); os.chdir('d')",
        {"disk_limit", "exception", "timeout_cpu"},
    ),
    "descriptors": ("import os\nwhile True: os.dup(1)", {"exception"}),
    "a large figure": ("plt.figure(figsize=(10**4, 10**4)).add_subplot()", {"render_error"}),
    "code": ("x = " + "(" * 10_000 + ")" * 10_000, {"syntax_error", "oom"}),
    "raised limits": (
        "import resource as r\nr.setrlimit(r.RLIMIT_CPU, r.getrlimit(r.RLIMIT_CPU)[1:] * 2)\nwhile True: pass",
        {"exception", "timeout_cpu"},
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_end_and_leave_the_sandbox_well(sandbox, name):
    code, kinds = FLOODS[name]
    result = sandbox.run(code)
    assert result.kind in kinds, result
    assert result.cpu_seconds < 5
    assert sandbox.run("plt.plot([1, 2])").ok


POISON = {
    "libraries": "np.array = plt.plot = pd.DataFrame = None",
    "settings": "plt.rcParams['figure.figsize'] = (1, 1); plt.style.use('dark_background')",
    "builtins": "import builtins; builtins.len = builtins.open = None",
    "the way out": "import os; os._exit = lambda code: None; plt.plot([1, 2])",
    "the sandbox's own modules": "import sys\nfor n in list(sys.modules):\n if 'llmi' in n: sys.modules[n] = None",
    "everything": "import sys; sys.modules.clear()",
    "streams": "import sys; sys.stdout.close(); sys.stderr = None; plt.plot([1, 2])",
    "descriptors": "import os; os.closerange(0, 1000); plt.plot([1, 2])",
    "timers": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001); plt.plot([1, 2])",
    "raising timers": "import signal\ndef f(*_): raise RuntimeError\nsignal.signal(signal.SIGALRM, f)\n"
    "signal.setitimer(signal.ITIMER_REAL, 0.02, 0.002); plt.plot([1, 2])",
    "tracing": "import sys\ndef f(*_): raise ValueError\nsys.settrace(f); sys.setprofile(f); plt.plot([1, 2])",
    "installed packages": "import os\nfor p in (np.__file__, os.__file__):\n try: open(p, 'a').write('x=')\n"
    " except OSError: pass",
    "files": "open('left', 'w').write('x')",
}


@pytest.mark.parametrize("name", POISON)
def test_nothing_a_snippet_does_reaches_the_next(sandbox, name):
    code = "import os, json; print(os.listdir('.'), len(json.dumps(1))); plt.plot(np.array([1, 2]))"
    before = sandbox.run(code)
    poisoned = sandbox.run(POISON[name])
    assert not poisoned.kind.startswith("sandbox_"), poisoned
    after = sandbox.run(code)
    assert (after.kind, after.stdout) == ("ok", "[] 1\n")
    assert after.picture.sha256 == before.picture.sha256


def test_a_snippet_learns_nothing_of_earlier_ones(sandbox):
    token = "a-very-private-word"
    sandbox.run(f"secret = {token!r}; print(secret); open('f', 'w').write(secret); plt.title(secret)")
    search = """
import gc
for thing in gc.get_objects():
    try:
        if '-'.join(('private', 'word')) in repr(thing): print('found')
    except Exception: pass
print('done')
"""
    result = sandbox.run(search)
    assert "done" in result.stdout
    assert "found" not in result.stdout


def test_running_neighbours_cannot_be_seen(in_a_container):
    """Tier B shares the process list; still no neighbour can be signalled, and no scratch but the own listed."""
    runs = []
    neighbour = threading.Thread(
        target=lambda: runs.append(in_a_container.run("import time; time.sleep(0.7); plt.plot([1, 2])"))
    )
    neighbour.start()
    time.sleep(0.2)
    code = """
import os
for pid in range(max(2, os.getpid() - 50), os.getpid() + 50):
    if pid == os.getpid(): continue
    try: os.kill(pid, 9); print('signalled', pid)
    except OSError: pass
for folder in ('..', '/tmp', '/proc'):
    try: print('listed', os.listdir(folder))
    except OSError: pass
"""
    assert in_a_container.run(code).stdout == ""
    neighbour.join()
    assert runs[0].ok


def test_no_descriptor_but_the_streams_is_inherited(sandbox):
    code = "import os\nfor d in range(200):\n  try: os.fstat(d); print(d)\n  except OSError: pass"
    assert sandbox.run(code).stdout.split() == ["0", "1", "2"]


FIND_REPORT = """
import sys, struct, json
frame = sys._getframe()
while 'report' not in frame.f_locals: frame = frame.f_back
report = frame.f_locals['report']
def forge(fields, width=0, height=0):
    body = json.dumps(fields).encode()
    report[20:20 + len(body)] = body
    report[:20] = struct.pack('=8sIII', b'llmi-fig', len(body), width, height)
    import os; os._exit(0)
"""


def test_a_forged_report_can_draw_but_never_blame_the_sandbox(sandbox):
    """The documented limit: a snippet shares its process with the code that reports. It gains what `imshow` gives."""
    drawn = sandbox.run(
        FIND_REPORT + "report[65536:65536 + 400] = bytes(range(200)) * 2\nforge({'kind': 'ok'}, 10, 10)"
    )
    assert (drawn.kind, drawn.picture.width) == ("ok", 10)
    for fields, size in (
        ({"kind": "sandbox_error"}, (0, 0)),
        ({"kind": "sandbox_lost"}, (0, 0)),
        ({"kind": "timeout"}, (0, 0)),
        ({"kind": "ok"}, (40_000, 40_000)),
    ):
        assert sandbox.run(FIND_REPORT + f"forge({fields}, *{size})").kind == "bad_result"


@contextmanager
def weakened(*without, limits=None):
    """A sandbox with layers taken away."""
    sandbox = CodeSandbox(workers=1, unsafe=True, limits=limits or Limits(), without=without)
    with pytest.warns(UserWarning, match="left out on request"):
        sandbox.start()
    with sandbox:
        yield sandbox


def test_landlock_is_what_protects_files(tier, target):
    """Without it, and without namespaces, the file is read: the other layers do not hide it."""
    with weakened("landlock", "namespaces") as sandbox:
        assert printed(target, sandbox.run(target.fill(ATTACKS["read a file"][0])).stdout)


def test_seccomp_is_what_protects_modes_and_forbids_processes(tier, target):
    with weakened("seccomp", "namespaces") as sandbox:
        sandbox.run(target.fill(ATTACKS["change the mode"][0]))
        assert changed(target, "")
        assert bragged(target, sandbox.run(ATTACKS["fork"][0]).stdout)


def test_limits_are_what_stops_endless_work(tier):
    with weakened("limits", "seccomp", "landlock", limits=Limits(cpu_seconds=1, wall_seconds=2.5)) as sandbox:
        result = sandbox.run("while True: pass")
        assert result.kind == "timeout"
        assert result.cpu_seconds > 1.1
