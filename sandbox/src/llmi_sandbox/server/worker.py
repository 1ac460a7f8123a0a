"""One process on one device: loads its pipelines, then answers jobs from its standard input one by one.

    python -m llmi_sandbox.server.worker '{"models": ["Qwen/Qwen-Image"], "device": "cuda", "dtype": "auto"}'

It ends when its input does, so that no worker outlives its server.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from typing import Any, BinaryIO

from PIL import Image

from llmi_sandbox.errors import PictureError, ProviderError
from llmi_sandbox.pictures import decode
from llmi_sandbox.server.frames import pack, read
from llmi_sandbox.tools.dialects import Drawing
from llmi_sandbox.tools.pipelines import Pipeline
from llmi_schema import LLMIError

log = logging.getLogger(__name__)


def main() -> None:
    """Serve jobs until the input ends."""
    settings = json.loads(sys.argv[1])
    # libraries print; what they print must not end up between the frames
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        pipelines = {
            name: Pipeline(name, device=settings["device"], dtype=settings["dtype"]) for name in settings["models"]
        }
        models = {name: "edit" if pipeline.edits else "generate" for name, pipeline in pipelines.items()}
    except LLMIError as error:
        _send(out, {"kind": "failed", "message": str(error)})
        return
    _send(out, {"kind": "ready", "models": models})
    while (frame := read(sys.stdin.buffer)) is not None:
        job, blobs = frame
        _send(out, *_answer(pipelines[job["model"]], job, blobs))


def _answer(pipeline: Pipeline, job: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    size = job["size"] and tuple(job["size"])
    try:
        given = decode(blobs[0]) if blobs else None
        drawing = Drawing(**{**job["drawing"], "size": size or (given.size if given else Drawing().size)})
        pictures = pipeline.make(job["prompt"], drawing, picture=given, n=job["n"])
        return {"kind": "pictures"}, [_png(picture) for picture in pictures]
    except PictureError as error:
        return {"kind": "bad_request", "message": f"the picture to edit: {error}"}, []
    except ProviderError as error:
        return {"kind": "refused", "message": str(error)}, []
    except LLMIError as error:
        return {"kind": "bad_request", "message": str(error)}, []
    except Exception as error:  # a model may fail in any way; the next request may be fine
        log.exception("a picture could not be made")
        return {"kind": "crashed", "message": f"{type(error).__name__}: {error}"}, []


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _send(out: BinaryIO, message: dict[str, Any], blobs: list[bytes] | None = None) -> None:
    out.write(pack(message, blobs or ()))
    out.flush()


if __name__ == "__main__":
    main()
