"""Pictures a user hands over, read from files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmi_schema import ConfigurationError, Picture, Provenance


def load_pictures(paths: Iterable[Path]) -> tuple[Picture, ...]:
    """Read image files of any common format. Raises `ConfigurationError` naming the file that is none."""
    from llmi_sandbox.errors import PictureError
    from llmi_sandbox.pictures import from_bytes

    pictures = []
    for path in paths:
        try:
            pictures.append(from_bytes(path.read_bytes(), Provenance(tool="input", provider="user", request=path.name)))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot read the picture ({error.strerror})") from error
        except PictureError as error:
            raise ConfigurationError(f"{path}: {error}") from error
    return tuple(pictures)
