"""Do the five wheels build, hold what they need, and work where this checkout is not?

    python tests/wheels.py       # make wheels: two minutes, and the network for the first two packages' dependencies

Each wheel must hold every file of its source folder, `py.typed` among them. `llmi-schema` and `llmi-reward` are then
installed into empty environments by pip, with `constraints.txt` and nothing else. The others bring gigabytes: theirs
borrow the dependencies of this environment, but take the five packages from the wheels alone.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "llmi_schema": "llmi_schema",
    "llmi_sandbox": "sandbox",
    "llmi_reward": "llmi_reward",
    "llmi_data": "llmi_data",
    "llmi_train": "llmi_train",
}
ALONE = {
    "llmi_schema": "from llmi_schema import parse; assert parse('A fox.').finished",
    "llmi_reward": "from llmi_reward import presets; assert 'format' in repr(presets.rules())",
}
"""Installed by pip with nothing but what they ask for, and tried with this."""
BORROWING = {
    "llmi_sandbox": "from llmi_sandbox import report; assert '<style' in report.page('A page', [])",
    "llmi_reward": "from llmi_reward.judges import Rubric; from llmi_reward import presets; presets.llmi",
    "llmi_data": "from llmi_data import Plan; assert Plan.demo(rows=120).rows == 120",
    "llmi_train": "from llmi_train import RECIPES, Recipe; from llmi_train.evaluate import project_tasks;"
    "assert len(project_tasks()) == 30; assert (RECIPES / 'demo.yaml').is_file();"
    "assert list(RECIPES.glob('deepspeed/*.json'))",
}
"""What needs files that are not Python, tried where the wheels lie beside borrowed dependencies."""
COMMANDS = ("llmi-sandbox", "llmi-reward", "llmi-data", "llmi-train")


def build(folder: Path) -> dict[str, Path]:
    """The wheel of each package."""
    for source in PACKAGES.values():
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT / source)
    return {package: next(folder.glob(f"{package}-*.whl")) for package in PACKAGES}


def missing(package: str, wheel: Path) -> set[str]:
    """Files of the source folder that the wheel has not."""
    source = ROOT / PACKAGES[package] / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert f"{package}/py.typed" in files
    with zipfile.ZipFile(wheel) as archive:
        return files - set(archive.namelist())


def environment(folder: Path, *, borrowing: bool) -> Path:
    """A new environment's Python. Borrowed dependencies come last; editable installs are not borrowed with them."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    if borrowing:
        site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        (Path(site) / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tempfile.gettempdir())
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = build(folder / "wheels")
        for package, wheel in wheels.items():
            if lacking := missing(package, wheel):
                raise SystemExit(f"{wheel.name} lacks {', '.join(sorted(lacking))}")
            print(f"{wheel.name}: {wheel.stat().st_size / 1024:.0f} KB, complete")
        for package, code in ALONE.items():
            python = environment(folder / package, borrowing=False)
            options = ("-q", "-c", ROOT / "constraints.txt", "--find-links", folder / "wheels")
            run(python, "-m", "pip", "install", *options, package.replace("_", "-"))
            run(python, "-c", code)
            others = {line.split("==")[0] for line in run(python, "-m", "pip", "freeze").splitlines()}
            print(f"{package}, alone: works, beside {', '.join(sorted(others))}")
        python = environment(folder / "all", borrowing=True)
        run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", *wheels.values())
        for package, code in BORROWING.items():
            where = run(python, "-c", f"import {package}; {code}; print({package}.__file__)").strip()
            assert where.startswith(str(folder)), f"{package} came from {where}"
            print(f"{package}: works from its wheel")
        for command in COMMANDS:
            run(python.parent / command, "--help")
        print(f"{', '.join(COMMANDS)}: start")


if __name__ == "__main__":
    main()
