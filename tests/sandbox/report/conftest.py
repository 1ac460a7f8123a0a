"""Makes this folder's helpers (`chromium`, `report_samples`, `strict_html`) importable, and lends one browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[chromium.Browser]:
    if chromium.find() is None:
        pytest.skip(chromium.MISSING)
    with chromium.Browser() as one:
        yield one
