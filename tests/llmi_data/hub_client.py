"""The real client against the Hub on loopback: publishing in this process, loading in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hub_server import Hub

_LOAD = """
import json, sys
from datasets import load_dataset
for folder, repo, config, revision in json.loads(sys.argv[1]):
    load_dataset(repo, config, revision=revision).save_to_disk(folder)
"""


def load(hub: Hub, folder: Path, *wanted: tuple[str, str | None], repo: str = "me/prompts", **environment: str) -> dict:
    """`load_dataset` of each configuration and revision, as a new user does: with an empty cache, by HTTP.

    Returns the datasets by configuration and revision.
    """
    from datasets import load_from_disk

    here = {one: folder / "-".join(map(str, one)).replace("/", "_") for one in wanted}
    asked = json.dumps([[str(place), repo, *one] for one, place in here.items()])
    done = python(hub, folder / "home", "-c", _LOAD, asked, **environment)
    assert done.returncode == 0, done.stderr
    return {one: load_from_disk(str(place)) for one, place in here.items()}


def python(hub: Hub, home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The Hub's client reads its environment when it is imported, so each of these is a process of its own."""
    variables = os.environ | hub.environment(home) | environment
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=variables, timeout=120)
