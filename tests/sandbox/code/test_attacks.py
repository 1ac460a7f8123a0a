"""Attacks, each with an oracle that tells from outside whether it worked; floods; poisonings of later snippets.

The attacks of `attacks/` are first shown to work on a plain interpreter: one that never works proves nothing. In the
sandbox none may. Every run of the tests tries a sample, `make test-full` all of them, from all sorts of hosts.
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import attack_suite
import pytest

from llmi_sandbox.code import CodeSandbox, Limits

ATTACKS = attack_suite.load()
SAMPLES = {"a sample": 4, "all": 1}
samples = pytest.mark.parametrize(
    "sample", ["a sample", pytest.param("all", marks=pytest.mark.slow)], ids=["sample", "all"]
)


def chosen(sample, offset=0):
    return dict(list(ATTACKS.items())[offset :: SAMPLES[sample]])


def test_there_are_a_hundred_and_fifty_attacks_and_no_two_alike():
    assert len(ATTACKS) >= 150
    assert len({attack.code for attack in ATTACKS.values()}) == len(ATTACKS)


@samples
def test_attacks_fail_in_the_sandbox(sandbox, tmp_path, monkeypatch, sample):
    monkeypatch.setenv("KEY", attack_suite.PROOF)
    tier = sandbox.start().tier
    attacks = chosen(sample, offset=0 if tier == "A" else 2)
    worked = attack_suite.run_all(sandbox, attacks, tmp_path)
    documented = {name for name in worked if tier == "B" and attacks[name].flag == "stat"}
    assert worked.keys() == documented, worked
    assert sandbox.run("plt.plot([1, 2])").ok


@samples
def test_the_same_attacks_work_on_a_plain_interpreter(tmp_path, sample):
    failed = []
    for count, (name, attack) in enumerate(chosen(sample).items()):
        depends = (
            attack.flag == "machine"
            or (attack.flag == "root" and os.getuid() != 0)
            or (attack.oracle is attack_suite.slowed and os.getpriority(os.PRIO_PROCESS, 0) == 19)
        )
        place, folder = tmp_path / f"{count}", tmp_path / f"{count}-cwd"
        place.mkdir()
        folder.mkdir()
        with attack_suite.a_target(place) as target:
            worked = attack.oracle(target, attack_suite.run_plainly(attack, target, folder))
        if not worked and not depends:
            failed.append(name)
    assert failed == []


@pytest.mark.parametrize(("host", "tiers"), [("root", "AB"), ("nobody", "AB"), ("docker", "B")])
@samples
def test_attacks_fail_whoever_the_host_is(tier, host, tiers, sample):
    """As root, as a user without privileges, and with what Docker's default profile leaves."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    step = 12 if sample == "a sample" else 1
    done = subprocess.run(
        [sys.executable, Path(attack_suite.__file__), host, str(step)], capture_output=True, text=True, timeout=280
    )
    if "does not let me become" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["worked"] == {}
    assert report["well"]
    assert report["tier"] in tiers
    assert report["attacks"] == len(list(ATTACKS)[::step])


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
    "the way out": "import os; os._exit = os.kill = lambda *_: None; plt.plot([1, 2])",
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
    body = json.dumps({**fields, 'sizes': [[width, height]]}).encode()
    report[12:12 + len(body)] = body
    report[:12] = struct.pack('=8sI', b'llmi-fig', len(body))
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


@pytest.mark.parametrize(
    ("without", "name"),
    [
        (("landlock", "namespaces"), "files: read WAY=open('{folder}/secret').read()"),
        (("seccomp", "namespaces"), "files: change WAY=os.chmod('{folder}/kept', 0o777)"),
        (("seccomp", "namespaces"), "processes: children WAY=os.fork()"),
        (("seccomp", "namespaces", "landlock"), "processes: kill WAY=os.kill({victim}, 9)"),
    ],
)
def test_each_layer_is_what_protects(tier, tmp_path, without, name):
    """Without it, and without namespaces, the attack works: the other layers do not hide it."""
    attack = ATTACKS[name]
    with weakened(*without) as sandbox, attack_suite.a_target(tmp_path) as target:
        assert attack.oracle(target, sandbox.run(target.fill(attack.code)).stdout)


def test_limits_are_what_stops_endless_work(tier):
    code = "import time\nwhile time.process_time() < 2.5: pass\nprint('for as long as it likes')"
    with weakened("limits", "seccomp", "landlock", limits=Limits(cpu_seconds=1)) as sandbox:
        result = sandbox.run(code)
        assert result.stdout == "for as long as it likes\n"
        assert result.cpu_seconds > 2
    with CodeSandbox(workers=1, limits=Limits(cpu_seconds=1)) as sandbox:
        assert sandbox.run(code).kind == "timeout_cpu"
