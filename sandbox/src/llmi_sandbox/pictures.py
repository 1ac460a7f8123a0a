"""The one place where pixels become a `Picture`, and unknown bytes become pixels.

A `Picture` is an 8-bit RGB PNG without metadata: transparency is laid on white, 16-bit samples keep their high
byte, a photograph is turned the way its EXIF says. What a person, a judge and the digest see is then the same,
and equal pixels have equal bytes and an equal sha256 (on one installation: zlib versions compress differently).

```python
picture = from_bytes(downloaded, Provenance(tool="search", provider="openverse"))
is_blank(decode(picture.png))
```
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from llmi_sandbox.errors import PictureError
from llmi_sandbox.png import to_png
from llmi_schema import Picture, Provenance

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF")  # what tools answer with; other decoders stay shut
_SAME_SHADE = 4  # compression noise moves a flat surface by less
_STRAY_SHARE = 1e-5  # three pixels of a 640 x 480 picture


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What `decode` accepts: encoded bytes, pixels in all, pixels along one side."""

    bytes: int = 32 * 2**20
    pixels: int = 50_000_000
    side: int = 16_384


DEFAULT_LIMITS = PictureLimits()


def encode(image: Image.Image, provenance: Provenance) -> Picture:
    """The canonical `Picture` of an image in any mode."""
    return Picture.from_png(to_png(_canonical(image)), provenance)


def decode(data: bytes, *, limits: PictureLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode every pixel of unknown bytes into an RGB image; of an animation, the first frame.

    The size in the header is checked before a pixel is decoded, so that a decompression bomb costs nothing.

    Raises:
        PictureError: with the reason `empty`, `too_large`, `not_a_picture` or `damaged`.
    """
    if not data:
        raise PictureError("empty", "there are no bytes to decode")
    if len(data) > limits.bytes:
        raise PictureError("too_large", f"{len(data):,} bytes are more than the {limits.bytes:,} allowed")
    stage = "not_a_picture"
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image, limits)
            stage = "damaged"
            image.load()
            return _canonical(ImageOps.exif_transpose(image))
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError("too_large", f"the picture is too large: {error}") from None
    except Exception as error:  # noqa: BLE001 - decoders raise almost anything on hostile bytes
        if stage == "damaged":
            raise PictureError("damaged", f"the picture is damaged: {error}") from None
        expected = ", ".join(_FORMATS)
        raise PictureError("not_a_picture", f"the bytes are no picture in a format known here ({expected})") from None


def from_bytes(data: bytes, provenance: Provenance, *, limits: PictureLimits = DEFAULT_LIMITS) -> Picture:
    """Decode unknown bytes and encode them again in the one canonical way. Raises `PictureError`."""
    return encode(decode(data, limits=limits), provenance)


def is_blank(image: Image.Image) -> bool:
    """Whether there is nothing to see: one shade all over, give or take compression noise and stray pixels."""
    bins = _canonical(image).histogram()
    return all(_is_flat(bins[channel : channel + 256]) for channel in range(0, len(bins), 256))


def _is_flat(bins: list[int]) -> bool:
    total = sum(bins)
    shade = bins.index(max(bins))
    same = sum(bins[max(0, shade - _SAME_SHADE) : shade + _SAME_SHADE + 1])
    return total - same <= total * _STRAY_SHARE


def _check_size(image: Image.Image, limits: PictureLimits) -> None:
    width, height = image.size
    if width * height > limits.pixels or max(width, height) > limits.side:
        allowed = f"{limits.pixels:,} pixels and {limits.side:,} along a side are allowed"
        raise PictureError("too_large", f"the picture is {width} x {height} pixels; {allowed}")


def _canonical(image: Image.Image) -> Image.Image:
    """RGB, 8 bits, on white, with no metadata left to be written."""
    if image.mode.startswith("I"):
        image = _high_byte(image)
    if image.has_transparency_data:
        return on_white(image.convert("RGBA"))
    flat = image.convert("RGB") if image.mode != "RGB" else image.copy()
    flat.info = {}
    return flat


def on_white(layer: Image.Image) -> Image.Image:
    """An RGBA image as RGB, what is transparent laid on white."""
    alpha = layer.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return layer.convert("RGB")
    flat = Image.new("RGB", layer.size, "white")
    flat.paste(layer, mask=alpha)
    return flat


def _high_byte(image: Image.Image) -> Image.Image:
    """16-bit greys as 8-bit ones; Pillow's own conversion would clip them to white."""
    import numpy as np

    return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
