"""Which paths a snippet may read: the interpreter, the installed packages, fonts and time zones. Nothing else."""

from __future__ import annotations

import os
import pwd
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
)
_INSTALLED = {"site-packages", "dist-packages"}
DEVICES = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/urandom"))


def readable_paths(packages: Iterable[str], font_files: Iterable[str]) -> tuple[Path, ...]:
    """The paths that exist, none below another.

    Args:
        packages: names of imported packages; their own folders are readable wherever they are installed.
        font_files: fonts the drawing library has found.
    """
    paths = {Path(path) for path in _SYSTEM}
    paths |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {Path(prefix) / "lib" for prefix in (sys.prefix, sys.base_prefix)}
    paths |= {Path(entry) for entry in sys.path if Path(entry).name in _INSTALLED}
    paths |= {path for name in packages if (path := _home_of(name))}
    paths |= {Path(font).parent for font in font_files}
    return _outermost(path for path in paths if path.exists() and not _holds_home(path))


def importable(paths: Iterable[Path]) -> list[str]:
    """`sys.path` without the entries a snippet could not read."""
    allowed = tuple(paths)
    return [entry for entry in sys.path if any(Path(entry).is_relative_to(path) for path in allowed)]


def _home_of(package: str) -> Path | None:
    """The folder of an imported package, the file of a module, None for what is built in or not imported."""
    module = sys.modules.get(package)
    if folders := list(getattr(module, "__path__", ())):
        return Path(folders[0])
    file = getattr(module, "__file__", None)
    return Path(file) if file else None


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)


def _holds_home(path: Path) -> bool:
    """A package installed straight into a home folder must not open that folder."""
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container may run as a user without a name
        return False
    return Path(os.path.realpath(home)).is_relative_to(os.path.realpath(path))
