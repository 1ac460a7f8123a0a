"""A worker without a model, in a few milliseconds: its prompt says what it does."""

from __future__ import annotations

import json
import os
import sys
import time

from llmi_sandbox.server.frames import pack, read


def main() -> None:
    settings = json.loads(sys.argv[-1])
    out = sys.stdout.buffer
    if "broken" in settings["models"]:
        out.write(pack({"kind": "failed", "message": "the model broken cannot be loaded"}))
        out.flush()
        return
    out.write(pack({"kind": "ready", "models": dict.fromkeys(settings["models"], "generate")}))
    out.flush()
    while (frame := read(sys.stdin.buffer)) is not None:
        job, _ = frame
        words = job["prompt"].split()
        match words[0]:
            case "die":
                os._exit(9)
            case "babble":
                out.write(b"\xff\xff\xff\x00 this is no frame")
                out.flush()
                os._exit(0)
            case "sleep":
                time.sleep(float(words[1]))
        told = {"pid": os.getpid(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "device": settings["device"]}
        out.write(pack({"kind": "pictures", **told}, [job["prompt"].encode()]))
        out.flush()


if __name__ == "__main__":
    main()
