"""`python -m llmi_train.stand_in`: run the stand-in judge until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from llmi_train.stand_in.server import NOTICE, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m llmi_train.stand_in", description=NOTICE)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the parent process does")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(options.host, options.port, options.until_stdin_closes))


async def _run(host: str, port: int, until_stdin_closes: bool) -> None:
    server = await serve(host, port)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://{host}:{port}/v1\n")
    sys.stdout.flush()
    sys.stderr.write(f"{NOTICE}\n")
    if until_stdin_closes:
        await asyncio.to_thread(sys.stdin.read)
    else:
        await server.serve_forever()


if __name__ == "__main__":
    main()
