"""`OfflineGenerator`: a drawn scene from a prompt; a stand-in for a generation model.

It knows a few dozen words: of time and weather, of places, of things to put there, of style. The rest of the prompt
seeds the composition, so that every prompt has a picture of its own and the same prompt always has the same one.
It does not draw what the prompt describes beyond that, and says so in the provenance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import copy

from llmi_sandbox.pictures import encode
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.drawing.scenes import draw_scene
from llmi_schema import ConfigurationError, DiffusionCall, Picture, Provenance, ToolCall, ToolResult

PROVIDER = "offline generator (a drawn stand-in, no model)"

SMALLEST_SIDE = 32
LARGEST_SIDE = 2048


class OfflineGenerator:
    """Answers `diffusion` calls with a procedural scene.

    Args:
        size: width and height in pixels.

    Raises:
        ConfigurationError: for sides below 32 or above 2048 pixels.
    """

    def __init__(self, *, size: tuple[int, int] = (320, 240)) -> None:
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in size):
            raise ConfigurationError(
                f"a generated picture cannot be {size[0]} x {size[1]}: "
                f"sides from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels are possible"
            )
        self._size = size
        self._seed = 0
        self.identity = f"diffusion/offline/1/{size[0]}x{size[1]}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, DiffusionCall):
            return wrong_call("diffusion", call)
        if not call.params.prompt.strip():
            return ToolResult.failed("bad_call", "the prompt is empty")
        return await asyncio.to_thread(self._generate, call.params.prompt)

    def variant(self, number: int) -> OfflineGenerator:
        """The same words in another composition."""
        if number == 0:
            return self
        variant = copy(self)
        variant._seed = self._seed + number
        variant.identity = f"{self.identity}/seed +{number}"
        return variant

    def _generate(self, prompt: str) -> ToolResult:
        # no word of the prompt changes what is drawn from the rest of it, so blanks make another picture of it
        image = draw_scene(prompt + " " * self._seed, self._size)
        return ToolResult(picture=encode(image, Provenance(tool="diffusion", provider=PROVIDER, request=prompt)))
