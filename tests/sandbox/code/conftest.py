"""Two sandboxes for the whole folder: one in each tier, with limits small enough to be reached quickly."""

import sys
from pathlib import Path

import pytest

from llmi_sandbox.code import CodeSandbox, Limits, probe

sys.path.insert(0, str(Path(__file__).parent))  # for the collections of snippets and attacks

LIMITS = Limits(
    cpu_seconds=1,
    wall_seconds=30,
    memory_bytes=256 * 2**20,
    file_bytes=8 * 2**20,
    disk_bytes=16 * 2**20,
    files=1000,
    output_bytes=2**18,
    open_files=64,
    max_pixels=4_000_000,
)


@pytest.fixture(scope="session")
def tier():
    found = probe().tier
    if found == "none":
        pytest.skip("this machine cannot isolate snippets")
    return found


@pytest.fixture(scope="session")
def in_a_container(tier):
    """Tier B: what a default container allows, without namespaces."""
    with CodeSandbox(workers=2, limits=LIMITS, without=("namespaces",)) as sandbox:
        yield sandbox


@pytest.fixture(scope="session", params=["tier A", "tier B"])
def sandbox(request, tier):
    if request.param == "tier B":
        yield request.getfixturevalue("in_a_container")
        return
    if tier != "A":
        pytest.skip("this machine allows no namespaces")
    with CodeSandbox(workers=2, limits=LIMITS) as sandbox:
        yield sandbox
