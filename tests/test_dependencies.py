"""What the packages depend on: all of it declared, each bound with its reason, each licence told."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import licences
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
COMES_WITH = {
    "huggingface-hub": "datasets",
    "packaging": "transformers",
    "pydantic-core": "pydantic",
    "tokenizers": "transformers",
    "torch": "xgrammar",
    "transformers": "xgrammar",
    "pyarrow": "datasets",
    "numpy": "xgrammar",
}
"""Imported, and certain to be there because what is declared cannot do without it."""
ONLY_WHERE_PRESENT = {
    "fastapi": "comes with NeMo-Gym",
    **dict.fromkeys(
        ("inspect-ai", "nemo-gym", "reasoning-gym", "skyrl-gym", "swift", "verifiers", "verl"),
        "a framework that an adapter is for",
    ),
    "pytest": "the plugin is loaded by pytest itself",
    "pyyaml": "who describes a toolkit in YAML without it is told what to install",
    "trl": "the adapter is for whoever has it",
}
DISTRIBUTIONS = {
    "PIL": "pillow",
    "yaml": "pyyaml",
    "markdown_it": "markdown-it-py",
    "llmi_sandbox": "llmi-sandbox",
    "llmi_command": "llmi-schema",
}


def project(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def declared(folder: str) -> set[str]:
    """All that the package asks for, extras included, and what its siblings ask for where it needs them."""
    found = project(folder)
    names: set[str] = set()
    for line in chain(found["dependencies"], *found.get("optional-dependencies", {}).values()):
        name = canonicalize_name(Requirement(line).name)
        names.add(name)
        if name.startswith("llmi-") and name != found["name"]:
            names |= declared("sandbox" if name == "llmi-sandbox" else name.replace("-", "_"))
    return names


def imported(folder: str) -> set[str]:
    names: set[str] = set()
    for file in (ROOT / folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    names -= sys.stdlib_module_names | {"_typeshed"}  # which type checkers bring
    return {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in names} - {
        canonicalize_name(project(folder)["name"])
    }


@pytest.mark.parametrize("folder", licences.FOLDERS)
def test_what_is_imported_is_asked_for(folder: str) -> None:
    there = declared(folder)
    there |= {name for name, bringer in COMES_WITH.items() if bringer in there}
    assert imported(folder) - there - ONLY_WHERE_PRESENT.keys() == set()


@pytest.mark.parametrize("folder", licences.FOLDERS)
def test_every_bound_has_its_reason(folder: str) -> None:
    text = (ROOT / folder / "pyproject.toml").read_text()
    text = text[text.index("\ndependencies = [") :]
    lines = [line for line in text.splitlines() if re.match(r'\s+"[\w\[\],-]+\s*[<>=!~]', line)]
    bounds = [
        line
        for line in chain(project(folder)["dependencies"], *project(folder).get("optional-dependencies", {}).values())
        if Requirement(line).specifier
    ]
    assert len(lines) == len(bounds) > 0  # one to a line
    assert [line for line in lines if len(line.partition("#")[2].strip()) < 10] == []


def test_every_licence_is_told() -> None:
    told = licences.listed()
    assert licences.direct().keys() <= told.keys(), "python tests/licences.py writes the page anew"
    silent = {name for name, text in told.items() if not re.search(r"[A-Z]", text)}
    assert silent == set()


def test_the_licences_are_those_the_metadata_names() -> None:
    differing = {name: told for name, told in licences.listed().items() if licences.licence(name) not in (None, told)}
    assert differing == {}
