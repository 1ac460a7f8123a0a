"""Pictures a user hands over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmi_schema import ConfigurationError, Picture, Provenance


def load_pictures(paths: Iterable[Path]) -> tuple[Picture, ...]:
    """Read image files of any common format. Raises `ConfigurationError` naming the file that is none."""
    pictures = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot read the picture ({error.strerror})") from error
        pictures.append(input_picture(data, path.name, shown=str(path)))
    return tuple(pictures)


def input_picture(data: bytes, name: str, *, shown: str = "") -> Picture:
    """Bytes in any common format as a picture of the user's. Raises `ConfigurationError` for bytes that are none.

    Args:
        name: kept in the picture's provenance.
        shown: what the error calls it; the name unless given.
    """
    from llmi_sandbox.errors import PictureError
    from llmi_sandbox.pictures import from_bytes

    try:
        return from_bytes(data, Provenance(tool="input", provider="user", request=name))
    except PictureError as error:
        raise ConfigurationError(f"{shown or name}: {error}") from error
