"""Test the adapters against the real frameworks, each in an environment of its own.

    python tests/llmi_reward/frameworks/run.py --borrow verifiers inspect_ai reasoning_gym     # what CI runs
    python tests/llmi_reward/frameworks/run.py                                                 # all of them, nightly

An environment holds llmi_schema, llmi_reward, pytest and the framework with its requirements. With --borrow it sees the
packages of the environment this script runs in, and pip brings only what they do not satisfy: half the time. Frameworks
whose requirements would bring CUDA builds always borrow, and are installed without them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Framework:
    """What to install, and which callers to run.

    `needs` stands for the requirements of a package that is installed without its own.
    """

    package: str
    callers: str
    needs: tuple[str, ...] = ()
    since: tuple[int, int] = (3, 11)


FRAMEWORKS = {
    "verifiers": Framework("verifiers==0.4.0", "verifiers"),
    "inspect_ai": Framework("inspect-ai==0.3.285", "inspect_ai"),
    "reasoning_gym": Framework("reasoning-gym==0.1.25", "reasoning_gym"),
    "skyrl_gym": Framework("skyrl-gym==0.4.0", "skyrl"),
    "verl": Framework(
        "verl==0.9.1",
        "verl",
        ("ray==2.60.0", "tensordict==0.15.3", "hydra-core", "aiohttp", "orjson", "fastapi", "cachetools", "codetiming"),
    ),
    "openrlhf": Framework("openrlhf==0.11.2", "openrlhf", ("ray==2.60.0", "aiohttp", "pylatexenc")),
    "nemo_gym": Framework("nemo-gym", "nemo_gym", since=(3, 12)),
    "swift": Framework("ms-swift==4.6.0", "ms_swift", ("modelscope", "addict", "json_repair")),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frameworks", nargs="*", choices=[*FRAMEWORKS, []], help="all of them unless named")
    parser.add_argument("--borrow", action="store_true", help="use what is installed here where it satisfies")
    parser.add_argument("--keep", type=Path, help="build the environments here and use them again")
    options = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory(prefix="llmi-frameworks-") as folder:
        for name in options.frameworks or FRAMEWORKS:
            if sys.version_info < FRAMEWORKS[name].since:
                print(f"== {name}: left out, it needs Python {'.'.join(map(str, FRAMEWORKS[name].since))}")
                continue
            started = time.monotonic()
            print(f"== {name}", flush=True)
            python = build(FRAMEWORKS[name], (options.keep or Path(folder)) / name, borrow=options.borrow)
            if not python or test(name, python):
                failed.append(name)
            print(f"== {name}: {'failed' if name in failed else 'passed'} in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def build(framework: Framework, folder: Path, *, borrow: bool) -> Path | None:
    """The environment's python, or None where the install failed; pip has then said why."""
    python = folder / "bin" / "python"
    if python.exists():
        return python
    venv.create(folder)
    if borrow or framework.needs:
        borrowed = Path(sysconfig.get_path("purelib", vars={"base": str(folder)})) / "zz_borrowed.pth"
        borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-compile"]
    ours = ["-e", str(ROOT / "llmi_schema"), "-e", str(ROOT / "llmi_reward")]
    if framework.needs:
        steps = [[*pip, "--no-deps", *ours, framework.package], [*pip, *framework.needs]]
    else:
        steps = [[*pip, *ours, framework.package, "pytest", "pytest-asyncio", "pytest-timeout"]]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return python if all(subprocess.run(step, check=False, env=environment).returncode == 0 for step in steps) else None


def test(name: str, python: Path) -> int:
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS), "-k", FRAMEWORKS[name].callers]
    return subprocess.run(command, check=False, cwd=ROOT, env=os.environ | {"LLMI_FRAMEWORK": name}).returncode


if __name__ == "__main__":
    sys.exit(main())
