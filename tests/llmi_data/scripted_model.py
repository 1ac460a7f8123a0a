"""A deterministic OpenAI-compatible model on loopback: it writes rows, reads them blind and judges them, by rules.

What it answers follows from the request alone, and holds the request's digest, so that a journal tells which requests
its answers belong to. `paid` counts answers sent whole by that digest, as a provider would bill them.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from llmi_data import Message, OfflineReader, Question, UnclearError

FIGURES = "The counts were 12 in spring, 19 in summer and 31 in autumn; let people compare these figures at a glance."
SEEN = {
    "search": "Readers must see how the real lighthouse of {place} truly looks today.",
    "diffusion": "Let them see an imagined city above {place}, a scene nobody has ever seen.",
    "code": FIGURES,
    "edit": "Show the attached picture again, but in black and white.",
}
PLACES = ("Varn", "Ostrel", "Quill Bay", "Hammet", "Tolsey", "Brindle", "Askerholm", "Pell", "Dunwater", "Mirrow")
DIGEST = re.compile(r"\b[0-9a-f]{16}\b")


def digest_of(body: bytes) -> str:
    return sha256(body).hexdigest()[:16]


def answer(body: dict[str, Any], digest: str) -> str:
    """What the model says: a draft, a reading or a verdict, by what it is asked for."""
    system, user = (_text(body["messages"][number]["content"]) for number in (0, 1))
    if "invent requests" in system:
        return json.dumps(_draft(user, digest, first=len(body["messages"]) == 2))
    pictures = len(body["messages"][1]["content"]) // 2 if isinstance(body["messages"][1]["content"], list) else 0
    request = re.search(r"<request \w+>\n(.*)\n</request", user, re.DOTALL)
    assert request
    if "meant to be implicit" in system:
        return json.dumps({"reason": digest, "words": "", "implicit": "by whatever means" not in request[1]})
    return json.dumps(_reading(request[1], pictures, digest))


def _draft(brief: str, digest: str, *, first: bool) -> dict[str, Any]:
    number = int(digest, 16)
    tools = re.findall(r"^- (\w+):", brief, re.MULTILINE)
    tools = [tool for tool in tools if tool in SEEN]
    place = PLACES[number % len(PLACES)]
    needs: dict[str, Any] = {tool: SEEN[tool].format(place=place) for tool in tools}
    many = _count(brief)
    opening = f"Write a page about {place} with a word on {', '.join(_names(digest))}."
    request = " ".join((opening, *needs.values(), many)).strip()
    if first and number % 7 == 0:  # gives the tool away, until it is told so
        request += " Search the web for it."
    if first and number % 11 == 0:
        needs = dict.fromkeys(needs, "words that are nowhere in the request")
    if number % 13 == 0:  # asks for something else than it was told to
        request = request.replace(many, "Use exactly six pictures.") if many else request + " Use exactly six pictures."
        many = "Use exactly six pictures."
    if "edit" in tools and "shown below" in brief:
        needs["picture"] = 0
    draft = {"topic": f"{place} {digest}", "request": request, "how_many": many}
    return draft | ({"needs": needs} if tools else {})


def _names(digest: str) -> Iterator[str]:
    """Twelve names, so that no two requests are near duplicates."""
    dice = random.Random(digest)
    for _ in range(12):
        yield "".join(
            dice.choice(("ba", "de", "ki", "lo", "mu", "ra", "se", "ti", "vo", "wu")) for _ in range(4)
        ).title()


def _count(brief: str) -> str:
    said = re.search(r"How many pictures: (.*)", brief)
    assert said
    if exactly := re.search(r"exactly (?:\w+ \((\d+)\)|(\d+)) pictures? (?:is|are)", said[1]):
        number = exactly[1] or exactly[2]
        return f"Use exactly {number} picture{'' if number == '1' else 's'}."
    if "at least one" in said[1]:
        return "Include at least one picture."
    return "Words only, please." if "no pictures" in said[1] else ""


def _reading(request: str, pictures: int, digest: str) -> dict[str, Any]:
    question = Question(messages=(Message(role="user", content=request),), pictures=(b"",) * pictures)
    try:
        reading = OfflineReader().read(question)
    except UnclearError as problem:
        return {"reason": digest, "pictures": "any", "number": 0, "unclear": str(problem), "tools": []}
    kind = {-1: "none", 0: "any", 99: "at least one"}.get(reading.image_count, "exactly")
    number = reading.image_count if kind == "exactly" else 0
    tools = list(reading.required_tools)
    return {"reason": digest, "pictures": kind, "number": number, "unclear": "", "tools": tools}


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


class ScriptedModel:
    """The server. `fault` may give a status and body in place of an answer; `latency` is in seconds."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.fault: Callable[[dict[str, Any], int], tuple[int, str] | str | None] = lambda body, number: None
        self.paid: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.requests = 0
        self.keep_bodies = True
        self.busy = self.most = 0
        self._lock = threading.Lock()
        self.on_answer: Callable[[], None] = lambda: None

    @contextmanager
    def running(self) -> Iterator[ScriptedModel]:
        server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def reply(self, raw: bytes) -> tuple[int, bytes]:
        body, digest = json.loads(raw), digest_of(raw)
        with self._lock:
            self.requests += 1
            number = self.requests
            if self.keep_bodies:
                self.bodies.append(body)
            self.busy += 1
            self.most = max(self.most, self.busy)
        try:
            time.sleep(self.latency)
            text = self.fault(body, number) or answer(body, digest)
        finally:
            with self._lock:
                self.busy -= 1
        if isinstance(text, tuple):
            return text[0], text[1].encode()
        prompt = sum(len(_text(message["content"]).encode()) for message in body["messages"])
        usage = {"prompt_tokens": prompt // 4, "completion_tokens": len(text) // 4}
        message = {"role": "assistant", "content": text}
        value = {"model": body["model"], "choices": [{"finish_reason": "stop", "message": message}], "usage": usage}
        return 200, json.dumps(value).encode()

    def sent(self, raw: bytes) -> None:
        with self._lock:
            self.paid[digest_of(raw)] += 1
        self.on_answer()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is no error of the server's."""


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            status, body = model.reply(raw)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            if status == 200:
                model.sent(raw)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
