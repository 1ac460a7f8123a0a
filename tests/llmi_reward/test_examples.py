"""The examples for TRL and verl: ten lines each, and nothing needed but llmi_reward and a renderer."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("llmi_sandbox")

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSING = ["torch", "trl", "verl", "transformers", "datasets", "accelerate", "peft", "deepspeed", "openai", "outlines"]

CALLS = {
    "trl_reward": 'reward(prompts=["?"] * 2, completions=[TEXT, TEXT + TEXT], image_count=[1, 1])',
    "verl_reward": 'compute_score("x", TEXT, "", {"image_count": 1, "question": "?"})',
}
PRINTS = {
    "trl_reward": "[1.0, 1.0]",  # the second picture is the first one again
    "verl_reward": "{'score': 1.0, 'valid': 1.0, 'contributions/format*count': 0.6, 'contributions/format*tool': 0.4}",
}


@pytest.mark.parametrize("name", CALLS)
def test_it_runs_without_any_training_library(name, tmp_path):
    code = f"""if True:
        import asyncio, sys
        sys.modules.update(dict.fromkeys({MISSING!r}))  # importing one of them fails now
        sys.path.insert(0, {str(EXAMPLES)!r})
        from {name} import *
        TEXT = 'A fox. <imgen>{{"source":"search","description":"a fox","params":{{"query":"red fox"}}}}</imgen>'
        print(asyncio.run({CALLS[name]}))
        toolkit.close()"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == PRINTS[name]


@pytest.mark.parametrize("name", CALLS)
def test_it_has_at_most_ten_lines(name):
    lines = (EXAMPLES / f"{name}.py").read_text().split('"""')[2].split("\n")
    assert len([line for line in lines if line.strip()]) <= 10
