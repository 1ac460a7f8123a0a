"""Pictures for a judge: no larger than a cap of pixels, made smaller here and not by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO

from llmi_schema import Picture, SystemRequirementError

DEFAULT_PIXELS = 768 * 768


async def capped(pictures: Iterable[Picture], pixels: int) -> dict[str, Picture]:
    """The pictures by the digest of the originals, each with at most so many pixels, in its proportions."""
    found = {picture.sha256: picture for picture in pictures}
    large = [picture for picture in found.values() if picture.width * picture.height > pixels]
    if large:
        smaller = await asyncio.gather(*(asyncio.to_thread(_smaller, picture, pixels) for picture in large))
        found |= {picture.sha256: small for picture, small in zip(large, smaller, strict=True)}
    return found


@lru_cache(maxsize=32)  # the user's pictures, which all answers to one prompt share
def _smaller(picture: Picture, pixels: int) -> Picture:
    try:
        from PIL import Image
    except ImportError:
        raise SystemRequirementError(
            "a picture is larger than the judge's cap, and making it smaller needs Pillow: "
            "pip install 'llmi-reward[judges]'"
        ) from None
    scale = (pixels / (picture.width * picture.height)) ** 0.5
    size = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
    with Image.open(BytesIO(picture.png), formats=["PNG"]) as image:
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = BytesIO()
    small.save(file, "PNG", compress_level=3)
    return Picture.from_png(file.getvalue(), picture.provenance)
