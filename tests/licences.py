"""Under which licences stands what the five packages need when they run, as that software itself says.

    python tests/licences.py    # writes docs/licences.md, after a dependency was added or a pin was moved

Nothing of it is copied into these packages: pip fetches it. Listed is what the runtime dependencies of this environment
bring, extras included; what only development, the tests or this documentation need is not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
FOLDERS = ("llmi_schema", "sandbox", "llmi_reward", "llmi_data", "llmi_train")
SPELLED_OUT = {
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "matplotlib's own, like Python's (PSF)",
    "model2vec": "MIT",
}
"""Where the metadata holds a licence's whole text, or the package belongs to an extra that is rarely installed."""
SHORT = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
_NOT_FOUND = "not installed where this page was written"


def direct() -> dict[str, set[str]]:
    """What the packages ask for themselves, extras included, each with the packages that do."""
    wanted: dict[str, set[str]] = {}
    for folder in FOLDERS:
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for line in chain(project["dependencies"], *project.get("optional-dependencies", {}).values()):
            name = canonicalize_name(Requirement(line).name)
            if not name.startswith("llmi-"):
                wanted.setdefault(name, set()).add(project["name"])
    return wanted


def brought(names: set[str]) -> set[str]:
    """What these bring along in this environment, at any depth."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        for needed in _needs(waiting.pop()):
            if needed not in found | names:
                found.add(needed)
                waiting.append(needed)
    return found


def _needs(name: str) -> Iterator[str]:
    installed = _installed(name)
    for line in (installed.requires if installed else None) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def licence(name: str) -> str | None:
    """As an SPDX expression where the metadata holds one, else by its usual short name; None where it says nothing."""
    if name in SPELLED_OUT:
        return SPELLED_OUT[name]
    installed = _installed(name)
    if installed is None:
        return None
    said = installed.metadata.get("License-Expression") or installed.metadata.get("License") or ""
    if not said or len(said) > 200 or said == "UNKNOWN":
        classified = [
            line.rpartition(":: ")[2] for line in installed.metadata.get_all("Classifier") or [] if "License ::" in line
        ]
        said = " or ".join(classified)
    return SHORT.get(said.lower(), said) or None


def page() -> str:
    """The whole page."""
    ours = direct()
    lines = [
        "# Licences",
        "",
        "LLM-I in Python is Apache-2.0. What it needs when it runs is fetched by pip, not copied, and stands under",
        "the licences below, as its own metadata says. All are permissive; MPL-2.0 also asks that changes to its own",
        "files be published. Builds of torch for GPUs bring NVIDIA's libraries under NVIDIA's terms. Models, datasets,",
        "search results and image services have terms of their own, which nothing here checks for you.",
        "",
        "`python tests/licences.py` writes this page; a test sees that no dependency is missing.",
        "",
        "## Asked for by the packages",
        "",
        "| | licence | by |",
        "| --- | --- | --- |",
        *(f"| {name} | {licence(name) or _NOT_FOUND} | {', '.join(sorted(by))} |" for name, by in sorted(ours.items())),
        "",
        "## Brought along by those",
        "",
        "| | licence |",
        "| --- | --- |",
        *(f"| {name} | {licence(name) or _NOT_FOUND} |" for name in sorted(brought(set(ours)))),
    ]
    return "\n".join(lines) + "\n"


def listed() -> dict[str, str]:
    """The licences that the page names."""
    rows = re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {name: text.strip() for name, text in rows}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
