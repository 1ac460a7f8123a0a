"""What is promised about the package itself: its names, its weight, its examples."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import llmi_reward

HEAVY = ["torch", "transformers", "datasets", "trl", "matplotlib", "openai", "PIL", "numpy", "outlines", "llmi_sandbox"]
MODULES = ["llmi_reward", "llmi_reward.integrations.trl"]


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_loads_nothing_heavy():
    loaded = run(f"import sys, {', '.join(MODULES)}; print(*sys.modules)").split()
    assert set(loaded) & set(HEAVY) == set()


def test_importing_is_quick():
    """Under 0.2 s of processor time, the best of five: other work may run beside the tests."""
    code = "import time; t = time.process_time(); import llmi_reward; print(time.process_time() - t)"
    assert min(float(run(code)) for _ in range(5)) < 0.2


def test_every_public_name_exists_and_is_documented():
    assert sorted(llmi_reward.__all__) == llmi_reward.__all__
    for name in llmi_reward.__all__:
        assert getattr(llmi_reward, name).__doc__ or name == "Outcome", name


def python_blocks(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_docstrings_example_runs():
    (block,) = python_blocks(llmi_reward.__doc__)
    scope = {}
    exec(block, scope)
    assert scope["score"].value == 1.0
    assert str(scope["score"].components) in block
    assert str(scope["score"].contributions) in block


def test_the_readmes_examples_run_and_print_what_they_say(capsys):
    readme = Path(__file__).parents[2] / "llmi_reward" / "README.md"
    blocks = python_blocks(readme.read_text())
    assert blocks
    scope = {}
    for block in blocks:
        exec(block, scope)
        said = re.findall(r"print\(.*\)  # (.*)", block)
        assert capsys.readouterr().out.splitlines() == said


def test_the_renderer_is_imported_in_one_place_only():
    source = Path(llmi_reward.__file__).parent
    naming = [
        path.name
        for path in source.rglob("*.py")
        if re.search(r"^\s*(from|import) llmi_sandbox", path.read_text(), re.M)
    ]
    assert naming == ["loading.py"]


def test_adapters_and_commands_load_nothing_heavy():
    """An adapter imports its framework when it is called; the commands start with what they need."""
    pytest.importorskip("typer")
    source = Path(llmi_reward.__file__).parent
    adapters = [f"llmi_reward.integrations.{path.stem}" for path in (source / "integrations").glob("*.py")]
    modules = ", ".join(
        [*(name for name in adapters if "__init__" not in name), "llmi_reward.cli", "llmi_reward.redteam"]
    )
    frameworks = ["verl", "verifiers", "inspect_ai", "reasoning_gym", "skyrl_gym", "swift", "openrlhf", "nemo_gym"]
    loaded = run(f"import sys, {modules}; print(*sys.modules)").split()
    assert set(loaded) & {*HEAVY, *frameworks, "fastapi", "starlette", "uvicorn", "pyarrow"} == set()
