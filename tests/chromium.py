"""Opens a page in headless Chromium and asks what really happened: pictures, requests, complaints, looks.

Talks the DevTools protocol over a pipe, so nothing is added to the page and its Content-Security-Policy stays
in force while it is asked.

```python
if find(): rendered_images(path)   # [(640, 480), ...]; (0, 0) for a picture that is broken
```
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BINARIES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no chromium, chromium-browser or google-chrome here: `apt-get install chromium` to run this test"

# Chromium wants the pipe at descriptors 3 and 4, which Python may be using for itself
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)

_IMAGES = """Promise.all([...document.images].map(image =>
    image.decode().then(() => [image.naturalWidth, image.naturalHeight], () => [0, 0])))"""


def find() -> str | None:
    """The browser's path, or None."""
    return next((path for name in BINARIES if (path := shutil.which(name))), None)


class Browser:
    """One headless browser with one tab; use it with `with`.

    After `open`, `requests` holds every address the page really asked for (its own included; what a policy
    refused was never asked for) and `complaints` what the browser logged: refused styles, scripts and loads.
    """

    def __init__(self, *, timeout: float = 60.0) -> None:
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._buffer = b""
        self._asked: dict[str, str] = {}
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        binary = find()
        if binary is None:
            raise FileNotFoundError(MISSING)
        with contextlib.ExitStack() as stack:
            profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            theirs_in, self._out = os.pipe()
            self._in, theirs_out = os.pipe()
            stack.callback(os.close, self._out)
            stack.callback(os.close, self._in)
            arguments = [
                "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions",
                "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
            ]  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out), binary, *arguments],
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(theirs_in)
            os.close(theirs_out)
            stack.callback(_end, process)
            page = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
            attached = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
            self._session: str | None = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self._call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            self._call("Browser.close")
        self._stack.close()

    def open(self, path: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file, or an address of this machine, and wait until all of it, pictures included, is there."""
        self._asked.clear()
        self.complaints.clear()
        scheme = "dark" if dark else "light"
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        local = isinstance(path, str) and path.startswith("http://127.0.0.1")
        self._call("Page.navigate", url=str(path) if local else Path(path).resolve().as_uri())
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))"
        )
        self.images()

    @property
    def requests(self) -> list[str]:
        return list(self._asked.values())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is awaited."""
        answer = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", answer))
        return answer["result"].get("value")

    def images(self) -> list[tuple[int, int]]:
        """The natural size of each `<img>`, (0, 0) where it could not be decoded."""
        return [(width, height) for width, height in self.evaluate(_IMAGES)]

    def screenshot(self, out: Path | str, *, full: bool = True) -> None:
        """What the open page looks like, all of it or the first window, as PNG."""
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=full, **self._clip(full))
        Path(out).write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, out: Path | str) -> None:
        """The open page as it prints."""
        printed = self._call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        Path(out).write_bytes(base64.b64decode(printed["data"]))

    def _clip(self, full: bool) -> dict[str, Any]:
        if not full:
            return {}
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if getattr(self, "_session", None) and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._out, data) :]
        deadline = time.monotonic() + self._timeout
        while True:
            answer = self._receive(deadline, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _receive(self, deadline: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium did not answer {method} within {self._timeout:.0f} s")
            data = os.read(self._in, 1 << 16)
            if not data:
                raise RuntimeError(f"Chromium ended before it answered {method}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        event: dict[str, Any] = json.loads(line)
        return event

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Network.requestWillBeSent":
                self._asked[event["params"]["requestId"]] = event["params"]["request"]["url"]
            case "Network.loadingFailed" if event["params"].get("blockedReason"):
                self._asked.pop(event["params"]["requestId"], None)
            case "Log.entryAdded":
                self.complaints.append(event["params"]["entry"]["text"])


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rendered_images(path: Path | str) -> list[tuple[int, int]]:
    """The natural size of each picture of a page, (0, 0) where it could not be decoded."""
    with Browser() as browser:
        browser.open(path)
        return browser.images()


def screenshot(path: Path | str, out: Path | str, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
    """A PNG of the whole page in a window of this size."""
    with Browser() as browser:
        browser.open(path, width=width, height=height, dark=dark)
        browser.screenshot(out)
