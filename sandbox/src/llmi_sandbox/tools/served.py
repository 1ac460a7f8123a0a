"""`ServedGenerator` and `ServedEditor`: pictures from models behind HTTP.

```python
generator = ServedGenerator([ImageServer("http://gpu-1:8000"), ImageServer("http://gpu-2:8000")])
editor = ServedEditor([ImageServer("https://ark.cn-beijing.volces.com", dialect="ark", key=key)])
```
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import ClassVar

from llmi_sandbox.errors import PictureError, ProviderError
from llmi_sandbox.pictures import decode, encode, is_blank
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.dialects import Drawing
from llmi_sandbox.tools.servers import REST_SECONDS, ImageServer, Servers
from llmi_sandbox.web import Web
from llmi_schema import DiffusionCall, EditCall, Picture, Provenance, ToolCall, ToolResult

SECONDS = 300.0


class _Served:
    """What both have in common: the servers, and bytes that become a picture."""

    plain: ClassVar[Drawing] = Drawing()
    """What is asked for when nothing is given."""

    def __init__(
        self,
        servers: Sequence[ImageServer],
        *,
        drawing: Drawing | None = None,
        web: Web | None = None,
        seconds: float = SECONDS,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._web = web if web is not None else Web()
        self._owns_web = web is None
        self._servers = Servers(self._web, servers, seconds=seconds, rest_seconds=rest_seconds)
        self._drawing = drawing or self.plain
        kinds = sorted({f"{server.dialect}:{server.model}" for server in servers})
        where = sorted({server.base for server in servers if server.model is None})
        self._models = f"{kinds} {where}"
        self.name = servers[0].model or servers[0].base

    def close(self) -> None:
        if self._owns_web:
            self._web.close()

    async def _picture(self, data: bytes, origin: Provenance) -> ToolResult:
        return await self._web.decode(partial(_read, data, origin))


class ServedGenerator(_Served):
    """Answers `diffusion` calls through image servers.

    Args:
        servers: any of them will do; they should serve the same model.
        drawing: size, seed, guidance.
        web: the network; one of its own unless given, closed with the tool.
        seconds: for one request; generating on a busy server takes its time.
        rest_seconds: how long a server that is down is left alone before it is asked whether it is well.
    """

    @property
    def identity(self) -> str:
        return f"diffusion/served/1/{self._models} {self._drawing}"

    def variant(self, number: int) -> ServedGenerator:
        """The same models with another seed. Servers that take no seed draw by chance anyway."""
        variant = copy(self)
        variant._drawing = replace(self._drawing, further=self._drawing.further + number)
        return variant

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, DiffusionCall):
            return wrong_call("diffusion", call)
        prompt = call.params.prompt.strip()
        if not prompt:
            return ToolResult.failed("bad_call", "the prompt is empty")
        return await self._web.run(self._generate(prompt))

    async def _generate(self, prompt: str) -> ToolResult:
        data, base = await self._servers.ask(
            lambda dialect, server: dialect.generate(prompt, server.model, self._drawing)
        )
        return await self._picture(data, Provenance(tool="diffusion", provider=_by(self.name, base), request=prompt))


class ServedEditor(_Served):
    """Answers `edit` calls through image servers; arguments as for `ServedGenerator`.

    The size of `drawing` is None unless given: a server then keeps that of the picture.
    """

    plain = Drawing(size=None)

    @property
    def identity(self) -> str:
        return f"edit/served/1/{self._models} {self._drawing}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, EditCall):
            return wrong_call("edit", call)
        if len(pictures) != 1:
            return ToolResult.failed("missing_picture", f"an edit works on one picture; {len(pictures)} came with it")
        prompt = call.params.prompt.strip()
        if not prompt:
            return ToolResult.failed("bad_call", "the instruction is empty")
        return await self._web.run(self._edit(prompt, pictures[0]))

    async def _edit(self, prompt: str, picture: Picture) -> ToolResult:
        data, base = await self._servers.ask(
            lambda dialect, server: dialect.edit(prompt, server.model, self._drawing, picture.png)
        )
        original = picture.provenance
        origin = Provenance(
            tool="edit",
            provider=_by(self.name, base),
            request=prompt,
            licence=original.licence,
            attribution=original.attribution,
            source_url=original.source_url,
        )
        return await self._picture(data, origin)


def _by(name: str, base: str) -> str:
    return name if name == base else f"{name} at {base}"


def _read(data: bytes, origin: Provenance) -> ToolResult:
    try:
        image = decode(data)
    except PictureError as error:
        raise ProviderError(f"the image server sent no usable picture: {error}", transient=True) from None
    if is_blank(image):
        return ToolResult.failed("blank", "the image server sent a picture that shows nothing")
    return ToolResult(picture=encode(image, origin))
