"""Judges' helpers: the faulty server, a model that follows a script, real pictures."""

from __future__ import annotations

import io
import json
import sys
from base64 import b64decode
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from llmi_reward.chat import Answer, ChatError
from llmi_schema import Picture, Provenance


class Scripted:
    """A ChatModel that answers from a list, the last entry for ever, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def ask(self, messages, *, schema=None, sample=0, options=None):
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append({"messages": messages, "schema": schema, "sample": sample, "options": options})
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(self.asked[-1])
        return Answer(answer if isinstance(answer, str) else json.dumps(answer))

    @property
    def system(self):
        return self.asked[0]["messages"][0]["content"]

    @property
    def content(self):
        return self.asked[0]["messages"][1]["content"]


def marks(**scores):
    """A verdict as a judge writes it."""
    return {name: {"reason": "so it is", "score": score} for name, score in scores.items()}


def drawn(color, size=(64, 48)):
    """A picture of a plain colour, as large as one likes."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return Picture.from_png(file.getvalue(), Provenance(tool="diffusion", provider="test"))


def shown(content):
    """A judge's content as a list: texts, and pictures as their PNG bytes."""
    prefix = "data:image/png;base64,"
    return [
        part["text"] if part["type"] == "text" else b64decode(part["image_url"]["url"].removeprefix(prefix))
        for part in content
    ]


@pytest.fixture(scope="session")
def judging():
    from types import SimpleNamespace

    down = ChatError("unreachable", "no reply from the server")
    return SimpleNamespace(Scripted=Scripted, marks=marks, drawn=drawn, shown=shown, down=down)
