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
    return Picture.from_png(to_png(_flat(image)), provenance)


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
            return _plain(ImageOps.exif_transpose(image))
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
    flat = _flat(image)
    width, height = flat.size
    strays = width * height * _STRAY_SHARE
    # One pixel in 16 is enough to see that most pictures are not blank, in a tenth of the time. Its commonest shade
    # may be at one end of the noise and others at the other, hence the factor.
    sample = flat.resize((max(1, width // 4), max(1, height // 4)), Image.Resampling.NEAREST)
    return _strays(sample, 2 * _SAME_SHADE) <= strays and _strays(flat, _SAME_SHADE) <= strays


def _strays(image: Image.Image, noise: int) -> int:
    """How many pixels differ by more than `noise` from the commonest shade, in the channel where most do."""
    bins = image.histogram()
    most = 0
    for start in range(0, len(bins), 256):
        channel = bins[start : start + 256]
        shade = channel.index(max(channel))
        most = max(most, sum(channel) - sum(channel[max(0, shade - noise) : shade + noise + 1]))
    return most


def _check_size(image: Image.Image, limits: PictureLimits) -> None:
    width, height = image.size
    if width * height > limits.pixels or max(width, height) > limits.side:
        allowed = f"{limits.pixels:,} pixels and {limits.side:,} along a side are allowed"
        raise PictureError("too_large", f"the picture is {width} x {height} pixels; {allowed}")


def _plain(image: Image.Image) -> Image.Image:
    """A picture of its own, RGB, 8 bits, on white, with no metadata."""
    flat = _flat(image)
    flat = flat.copy() if flat is image else flat
    flat.info = {}
    return flat


def _flat(image: Image.Image) -> Image.Image:
    """RGB, 8 bits, on white: the image itself when it is that already."""
    if image.mode.startswith("I"):
        image = _high_byte(image)
    if image.has_transparency_data:
        return on_white(image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


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
