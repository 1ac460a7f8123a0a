"""Pictures as `data:` addresses, small enough that a page of dozens still opens at once."""

from __future__ import annotations

import base64
import io

from llmi_schema import Picture

_AS_IT_IS = 200_000  # bytes; a chart or a screenshot is below this, a photograph as PNG is not
_LONGEST_SIDE = 1600  # pixels: twice the widest column, for dense screens


def data_uri(picture: Picture) -> str:
    """The picture for an `<img src>`: its own PNG bytes, or a WebP of at most 1600 pixels where those are many.

    Bytes that Pillow cannot read are passed on as they are; the browser then shows the alternative text.
    """
    if len(picture.png) > _AS_IT_IS:
        smaller = _webp(picture.png)
        if smaller is not None and len(smaller) < len(picture.png):
            return _uri("image/webp", smaller)
    return _uri("image/png", picture.png)


def svg_uri(svg: str) -> str:
    """An SVG for an `<img src>`, where no script in it can run."""
    return _uri("image/svg+xml", svg.encode())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _webp(png: bytes) -> bytes | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
            out = io.BytesIO()
            image.convert("RGBA" if image.has_transparency_data else "RGB").save(out, "WEBP", quality=84, method=4)
            return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
