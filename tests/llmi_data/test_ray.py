"""The example for Ray Data: its function always, Ray itself where it is installed."""

import importlib.util
from pathlib import Path

import pytest

from llmi_data import Plan, Row, generate, validate

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray_data.py"
PLAN = Plan.demo(rows=60)


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("ray_data", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shards_by_the_examples_function_are_the_whole(example):
    entries = [
        entry
        for number in range(1, example.SHARDS + 1)
        for entry in example.make_shard({"number": number, "plan": PLAN.model_dump_json()})
    ]
    assert tuple(Row.model_validate_json(entry["row"]) for entry in entries) == validate(generate(PLAN)).kept


def test_the_example_on_ray(example, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert tuple(example.main(PLAN)) == validate(generate(PLAN)).kept
    finally:
        ray.shutdown()
