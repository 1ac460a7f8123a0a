"""The house itself: who imports whom, what an import costs, and that the README's examples run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "llmi_schema": ROOT / "llmi_schema/src/llmi_schema",
    "llmi_sandbox": ROOT / "sandbox/src/llmi_sandbox",
    "llmi_reward": ROOT / "llmi_reward/src/llmi_reward",
    "llmi_data": ROOT / "llmi_data/src/llmi_data",
    "llmi_train": ROOT / "llmi_train/src/llmi_train",
}
MAY_IMPORT = {
    "llmi_schema": set(),
    "llmi_sandbox": {"llmi_schema"},
    "llmi_reward": {"llmi_schema", "llmi_sandbox"},  # the latter in loading.py alone, with the extra [tools]
    "llmi_data": {"llmi_schema", "llmi_reward"},  # the latter for its chat client alone
    "llmi_train": {"llmi_schema", "llmi_sandbox", "llmi_reward", "llmi_data"},
}
HEAVY = {
    *("torch", "transformers", "datasets", "trl", "matplotlib", "openai", "numpy", "PIL"),
    *("outlines", "llguidance", "xgrammar"),
}


def imported(file: Path) -> set[str]:
    """Top-level names of everything a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", SOURCES)
def test_imports_run_one_way(package: str) -> None:
    files = list(SOURCES[package].rglob("*.py"))
    assert files
    for file in files:
        ours = imported(file) & SOURCES.keys() - {package}
        assert ours <= MAY_IMPORT[package], f"{file.relative_to(ROOT)} imports {ours - MAY_IMPORT[package]}"


@pytest.mark.parametrize("package", SOURCES)
def test_packages_are_typed_and_described(package: str) -> None:
    source = SOURCES[package]
    assert (source / "py.typed").is_file()
    readme = (source.parents[1] / "README.md").read_text()
    assert len(readme) > 500, f"{package} has no README to speak of"
    assert (ast.get_docstring(ast.parse((source / "__init__.py").read_text())) or "").count("```") >= 2


@pytest.mark.parametrize("package", ["llmi_schema", "llmi_reward", "llmi_sandbox", "llmi_train", "llmi_data"])
def test_import_loads_nothing_heavy(package: str) -> None:
    allowed = {"PIL"} if package in {"llmi_sandbox", "llmi_train"} else set()  # pictures are the sandbox's trade
    code = f"import sys, {package}; print(*(sys.modules.keys() & {HEAVY - allowed!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", ["llmi_schema", "llmi_reward"])
def test_import_is_quick(package: str) -> None:
    code = f"import time; t = time.process_time(); import {package}; print(time.process_time() - t)"
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )
    assert seconds < 0.2


@pytest.mark.parametrize("command", ["llmi-train", "llmi-data", "llmi-sandbox", "llmi-reward"])
def test_commands_start_quickly(command: str) -> None:
    package = command.replace("-", "_")
    code = f"""if True:
        import time
        start = time.process_time()
        from {package}.cli import app
        app(["--help"], standalone_mode=False)
        print(time.process_time() - start)"""
    outputs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in "123"]
    assert min(float(done.stdout.split()[-1]) for done in outputs) < 0.5


@pytest.mark.parametrize("package", ["llmi_sandbox", "llmi_reward", "llmi_data", "llmi_train"])
def test_packages_are_their_commands(package: str) -> None:
    done = subprocess.run([sys.executable, "-m", package, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "```python" in page.read_text()]
READMES = [ROOT / "README.md", *(folder.parents[1] / "README.md" for folder in SOURCES.values()), *PAGES]


def examples(readme: Path) -> list[str]:
    """Python blocks, but for those marked as not run."""
    text = re.sub(r"<!-- not run:.*?-->\n```python\n.*?\n```", "", readme.read_text(), flags=re.S)
    return re.findall(r"```python\n(.*?)\n```", text, flags=re.S)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_readme_examples_run(readme: Path, tmp_path: Path) -> None:
    blocks = examples(readme)
    assert blocks
    file = tmp_path / "readme.py"
    # Blocks of one README are one story: later ones use what earlier ones made.
    file.write_text("\n\n".join(blocks))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    if readme.parent == ROOT:
        assert done.stdout.startswith("1.0 {'format': 1.0, 'count': 1.0, 'tool': 1.0}")


def test_versions_move_together() -> None:
    versions = set()
    for folder in (ROOT, *(source.parents[1] for source in SOURCES.values())):
        text = (folder / "pyproject.toml").read_text()
        versions |= set(re.findall(r'^version = "(.*)"', text, flags=re.M))
        versions |= set(re.findall(r'"llmi-\w+(?:\[\w+\])?==(.*?)"', text))
    assert len(versions) == 1


def test_no_file_is_too_long() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for source in SOURCES.values()
        for file in source.rglob("*.py")
        if (lines := len(file.read_text().splitlines())) > 420
    }
    assert not long
