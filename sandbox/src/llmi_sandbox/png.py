"""Write an RGB image as PNG, in half the time of Pillow's encoder and no larger for the figures most pictures here are.

Pillow tries five filters on every row. Rows of a figure mostly repeat the one above, so one filter serves: "up", the
difference to the row above. A few rows at a time stay in the processor's cache and in memory that is at hand; whole
pictures would have the kernel find, clear and take back a thousand pages each.
Source: PNG specification, third edition, sections 9.2 and 10.
"""

from __future__ import annotations

import struct
import zlib

from PIL import Image

_LEVEL = 3  # higher ones cost more time than the bytes are worth
_UP = 2
_BAND_BYTES = 65_536  # of pixels, at a time
_EIGHT_BIT_RGB = (8, 2, 0, 0, 0)


def to_png(image: Image.Image) -> bytes:
    """The PNG of an image in mode RGB. Equal pixels give equal bytes, on one installation of zlib."""
    import numpy as np

    width, height = image.size
    band = max(1, _BAND_BYTES // (3 * width))
    above = np.zeros(3 * width, np.uint8)
    squeeze = zlib.compressobj(_LEVEL)
    data = []
    for top in range(0, height, band):
        part = image.crop((0, top, width, min(top + band, height)))
        pixels = np.frombuffer(part.tobytes(), np.uint8).reshape(-1, 3 * width)
        rows = np.empty((len(pixels), 1 + 3 * width), np.uint8)
        rows[:, 0] = _UP
        np.subtract(pixels[0], above, out=rows[0, 1:])
        np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
        data.append(squeeze.compress(rows.data))
        above = pixels[-1]
    data.append(squeeze.flush())
    head = struct.pack(">II5B", width, height, *_EIGHT_BIT_RGB)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", b"".join(data)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
