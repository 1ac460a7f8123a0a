import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_model import ScriptedModel

from llmi_data import Message, Origin, Plan, Row, generate


@pytest.fixture(scope="session")
def rows():
    """The default plan's rows, composed once."""
    return tuple(generate(Plan.demo()))


@pytest.fixture
def make_row():
    """A small valid row; anything can be overridden."""

    def make(text="Readers should see what the old lighthouse really looks like. Use exactly two pictures.", **fields):
        origin = Origin(generator="hand", seed=0, side="train", family="travel", topic="the old lighthouse")
        values = {"image_count": 2, "required_tools": ("search",), "provenance": origin} | fields
        return Row(prompt=(Message(role="user", content=text),), **values)

    return make


@pytest.fixture
def model():
    """A deterministic model on loopback that writes, reads and judges."""
    with ScriptedModel().running() as running:
        yield running


@pytest.fixture
def no_figures(monkeypatch):
    """Cards without figures, which take a second to draw; `test_card.py` looks at those."""
    monkeypatch.setattr("llmi_data.publishing.folder.draw", lambda summary, stages, agreed, folder: folder.mkdir())
