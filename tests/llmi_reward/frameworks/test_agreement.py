"""Every adapter gives the same float32 for the same samples, and none makes up a number for an unscored one."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from callers import CALLERS, STAND_IN
from shared import ROWS, UNSCORED, expected, float32

TAKE_A_STAND_IN = {"verl_function", "verl_manager", "openrlhf_python", "openrlhf_http", "skyrl", "reasoning_gym"}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # inspect_ai writes its logs where it is started


@pytest.mark.parametrize("name", CALLERS)
def test_all_adapters_give_equal_float32(name):
    wanted = [float32(asyncio.run(expected(row))) for row in ROWS]
    assert len(set(wanted)) > 5
    assert [float32(value) for value in CALLERS[name](ROWS)] == wanted


@pytest.mark.parametrize("name", CALLERS)
def test_an_unscored_row_is_no_number_or_the_one_that_was_named(name):
    scored, unscored = CALLERS[name]([ROWS[0], UNSCORED])
    assert float32(scored) == float32(asyncio.run(expected(ROWS[0])))
    assert unscored == (STAND_IN if name in TAKE_A_STAND_IN else None)
