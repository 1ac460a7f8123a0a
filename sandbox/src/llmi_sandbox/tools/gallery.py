"""The offline gallery: a few dozen captioned drawings that `LocalSearch` can find without any network.

They are drawings, made when they are found, and their attribution says so; nothing here passes for a photograph.

```python
search = LocalSearch(gallery(), provider="offline gallery")
write_gallery("captioned/")     # a folder to look at, and a pattern for a folder of your own
```
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmi_sandbox.tools.drawing.catalogue import MOTIFS
from llmi_sandbox.tools.drawing.motif import Motif
from llmi_sandbox.tools.search import METADATA
from llmi_sandbox.tools.search_index import Captioned

if TYPE_CHECKING:
    from PIL import Image

LICENCE = "CC0-1.0"
ATTRIBUTION = "drawn by llmi_sandbox's offline gallery"
DEFAULT_SIZE = (480, 360)


def gallery(size: tuple[int, int] = DEFAULT_SIZE) -> list[Captioned]:
    """The captioned drawings, none of them drawn yet. The size is in pixels and should be 4:3."""
    return [
        Captioned(
            name=f"{motif.name} {size[0]}x{size[1]}",
            caption=motif.caption,
            keywords=motif.keywords,
            licence=LICENCE,
            attribution=f"“{motif.caption}”, {ATTRIBUTION}",
            load=partial(draw, motif, size),
        )
        for motif in MOTIFS
    ]


def draw(motif: Motif, size: tuple[int, int] = DEFAULT_SIZE) -> Image.Image:
    """One motif before its backdrop."""
    from llmi_sandbox.tools.drawing.backdrops import BACKDROPS
    from llmi_sandbox.tools.drawing.canvas import Canvas

    canvas = Canvas(*size)
    BACKDROPS[motif.backdrop](canvas)
    motif.draw(canvas)
    return canvas.image()


def write_gallery(folder: str | Path, size: tuple[int, int] = DEFAULT_SIZE) -> Path:
    """Draw the whole gallery into a folder that `LocalSearch.from_folder` reads; answers the folder."""
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for motif, found in zip(MOTIFS, gallery(size), strict=True):
        file_name = f"{motif.name}.png"
        found.load().save(folder / file_name)
        rows.append(
            {
                "file_name": file_name,
                "caption": found.caption,
                "keywords": found.keywords,
                "licence": found.licence,
                "attribution": found.attribution,
            }
        )
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / METADATA).write_text(text, encoding="utf-8")
    return folder
