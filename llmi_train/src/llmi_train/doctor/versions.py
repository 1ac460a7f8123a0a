"""Installed packages against the versions this package was made for, and vLLM against what TRL supports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

from llmi_train.doctor.finding import Finding

Version = Callable[[str], str | None]
"""The installed version of a distribution, or None."""


def installed(name: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def packages(version: Version = installed, requirements: list[str] | None = None) -> Iterator[Finding]:
    """Everything `llmi-train` requires, as its own metadata says: one finding when all is well, else one for each."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in requirements or metadata.requires("llmi-train") or []]
    wanted = [requirement for requirement in wanted if requirement.marker is None]
    wrong = []
    for requirement in wanted:
        found = version(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            wrong.append(requirement)
            yield Finding(
                requirement.name,
                False,
                f"{found or 'not installed'}, but {requirement.specifier} is needed",
                f"Type: pip install '{requirement.name}{requirement.specifier}'",
            )
    if not wrong:
        shown = ", ".join(f"{r.name} {version(r.name)}" for r in wanted if not r.name.startswith("llmi"))
        yield Finding("packages", True, shown)


def vllm(grpo: Mapping[str, Any], version: Version = installed, supported: str | None = None) -> Iterator[Finding]:
    """vLLM, where a recipe uses it: inside the range that the installed TRL was tested with.

    TRL itself only warns when it is not, and fails later in other words.
    """
    from packaging.specifiers import SpecifierSet

    if not grpo.get("use_vllm", False):
        return
    allowed = supported or _supported_by_trl()
    found = version("vllm")
    yield Finding(
        "vLLM",
        found is not None and SpecifierSet(allowed).contains(found.partition("+")[0], prereleases=True),
        f"{found or 'not installed'}; TRL {version('trl')} supports {allowed}",
        f"Type: pip install -c constraints-gpu.txt 'vllm{allowed}', or set use_vllm: false",
    )


def _supported_by_trl() -> str:
    from packaging.requirements import Requirement

    for line in metadata.requires("trl") or []:
        requirement = Requirement(line)
        if requirement.name == "vllm":
            return ",".join(sorted(map(str, requirement.specifier), reverse=True))
    return ">=0"
