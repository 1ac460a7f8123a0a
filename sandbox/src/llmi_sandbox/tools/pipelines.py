"""Image models in this process, through diffusers: `pip install llmi-sandbox[diffusers]`.

`Pipeline` drives any text-to-image or editing pipeline of diffusers with the same few wishes (`Drawing`); the tools
here and `llmi-sandbox serve` are built on it.

```python
toolkit = Toolkit({
    "diffusion": PipelineGenerator(Pipeline("Qwen/Qwen-Image", device="cuda")),
    "edit": PipelineEditor(Pipeline("Qwen/Qwen-Image-Edit", device="cuda:1")),
})
```
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from PIL import Image

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.pictures import decode, encode, is_blank
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.dialects import Drawing
from llmi_schema import (
    ConfigurationError,
    DiffusionCall,
    EditCall,
    Picture,
    Provenance,
    SystemRequirementError,
    ToolCall,
    ToolResult,
)

_STEP = 16  # pixels: what the autoencoders and patches of the usual models divide by
_LARGEST_SEED = 2**63


class Pipeline:
    """One diffusers pipeline, loaded with its first picture, making one picture at a time.

    Args:
        model: a Hub name, a folder, or a loaded pipeline.
        device: where it runs; `auto` is the first GPU if there is one, else the processor.
        dtype: `auto` is bfloat16 on a GPU and float32 on the processor; or a torch dtype's name.

    Raises (when it is loaded):
        SystemRequirementError: without diffusers.
        ConfigurationError: for a model that cannot be loaded.
    """

    def __init__(self, model: str | Any, *, device: str = "auto", dtype: str = "auto") -> None:
        self._model = model
        self._device = device
        self._dtype = dtype
        self._lock = threading.Lock()
        self.name = model if isinstance(model, str) else type(model).__name__

    @cached_property
    def _loaded(self) -> Any:
        if not isinstance(self._model, str):
            return self._model
        try:
            import torch
            from diffusers import DiffusionPipeline
        except ImportError as error:
            raise SystemRequirementError(
                f"image models need diffusers and torch ({error}): pip install 'llmi-sandbox[diffusers]'"
            ) from None
        device = self._device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = self._dtype
        if dtype == "auto":
            dtype = "float32" if device == "cpu" else "bfloat16"
        try:
            pipeline = DiffusionPipeline.from_pretrained(self._model, dtype=getattr(torch, dtype))
            pipeline.set_progress_bar_config(disable=True)
            return pipeline.to(device)
        except (OSError, ValueError, AttributeError, RuntimeError) as error:
            raise ConfigurationError(f"the model {self._model} cannot be loaded on {device}: {error}") from None

    @cached_property
    def _accepts(self) -> frozenset[str]:
        return frozenset(inspect.signature(self._loaded.__call__).parameters)

    @property
    def _distilled(self) -> bool:
        """Whether guidance was built into the model when it was trained."""
        config = getattr(getattr(self._loaded, "transformer", None), "config", None)
        return bool(getattr(config, "guidance_embeds", False))

    def load(self) -> None:
        """Load it now. Raises as the class says."""
        with self._lock:
            _ = self._accepts

    @property
    def edits(self) -> bool:
        """Whether it changes pictures rather than making them from words alone."""
        self.load()
        return "image" in self._accepts

    def make(
        self, prompt: str, drawing: Drawing, *, picture: Image.Image | None = None, n: int = 1
    ) -> list[Image.Image]:
        """Pictures for a prompt, or changed from `picture`. Blocks; callers in several threads take turns.

        The k-th of `n` pictures is made with seed + k, so that it does not depend on how many are asked for. Sizes are
        those asked for to the pixel, scaled from the nearest the model can make.

        Raises:
            ConfigurationError: when the pipeline does not do what is asked.
            ProviderError: `refused` when its safety checker objects.
        """
        self.load()
        if (picture is not None) != ("image" in self._accepts):
            can = "changes pictures" if "image" in self._accepts else "makes pictures from words alone"
            raise ConfigurationError(f"{self.name} {can}")
        import torch

        seed = drawing.seed_for(prompt)
        wishes = self._wishes(drawing)
        if picture is not None:
            wishes["image"] = picture.convert("RGB")
        pictures = []
        for k in range(n):
            # on the processor, so that a seed means the same noise on every machine
            generator = torch.Generator("cpu").manual_seed((seed + k) % _LARGEST_SEED)
            with self._lock, torch.inference_mode():
                answer = self._loaded(prompt=prompt, generator=generator, **wishes)
            if any(getattr(answer, "nsfw_content_detected", None) or ()):
                raise ProviderError("the model's safety checker objects to the picture", reason="refused")
            pictures.append(_sized(answer.images[0], drawing.size))
        return pictures

    def _wishes(self, drawing: Drawing) -> dict[str, Any]:
        """What this pipeline understands of a drawing."""
        width, height = drawing.size or (None, None)
        guidance, true_cfg = drawing.guidance, drawing.true_cfg
        if "true_cfg_scale" in self._accepts and not self._distilled and guidance is not None:
            # Qwen-Image takes a `guidance_scale` and ignores it: what its callers mean is this one
            guidance, true_cfg = None, guidance
        wanted = {
            "width": None if width is None else _rounded(width),
            "height": None if height is None else _rounded(height),
            "num_inference_steps": drawing.steps,
            "guidance_scale": guidance,
            "true_cfg_scale": true_cfg,
            "negative_prompt": drawing.negative_prompt,
        }
        return {name: value for name, value in wanted.items() if value is not None and name in self._accepts}


class PipelineGenerator:
    """Answers `diffusion` calls with a pipeline in this process."""

    def __init__(self, pipeline: Pipeline, *, drawing: Drawing | None = None) -> None:
        self._pipeline = pipeline
        self._drawing = drawing or Drawing()
        self.name = pipeline.name
        self.identity = f"diffusion/pipeline/1/{pipeline.name} {self._drawing}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, DiffusionCall):
            return wrong_call("diffusion", call)
        if not (prompt := call.params.prompt.strip()):
            return ToolResult.failed("bad_call", "the prompt is empty")
        origin = Provenance(tool="diffusion", provider=self._pipeline.name, request=prompt)
        return await asyncio.to_thread(_make, self._pipeline, prompt, self._drawing, origin, None)

    def variant(self, number: int) -> PipelineGenerator:
        """The same pipeline with another seed."""
        drawing = replace(self._drawing, further=self._drawing.further + number)
        return PipelineGenerator(self._pipeline, drawing=drawing)


class PipelineEditor:
    """Answers `edit` calls with a pipeline in this process. The picture keeps its size unless `drawing` has one."""

    def __init__(self, pipeline: Pipeline, *, drawing: Drawing | None = None) -> None:
        self._pipeline = pipeline
        self._drawing = drawing or replace(Drawing(), size=None)
        self.name = pipeline.name
        self.identity = f"edit/pipeline/1/{pipeline.name} {self._drawing}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, EditCall):
            return wrong_call("edit", call)
        if len(pictures) != 1:
            return ToolResult.failed("missing_picture", f"an edit works on one picture; {len(pictures)} came with it")
        if not (prompt := call.params.prompt.strip()):
            return ToolResult.failed("bad_call", "the instruction is empty")
        origin = pictures[0].provenance.model_copy(
            update={"tool": "edit", "provider": self._pipeline.name, "request": prompt}
        )
        return await asyncio.to_thread(_make, self._pipeline, prompt, self._drawing, origin, pictures[0])


def _make(pipeline: Pipeline, prompt: str, drawing: Drawing, origin: Provenance, picture: Picture | None) -> ToolResult:
    given = None if picture is None else decode(picture.png)
    if given is not None and drawing.size is None:
        drawing = replace(drawing, size=given.size)
    (image,) = pipeline.make(prompt, drawing, picture=given)
    if is_blank(image):
        return ToolResult.failed("blank", "the model's picture shows nothing")
    return ToolResult(picture=encode(image, origin))


def _rounded(side: int) -> int:
    return max(_STEP, round(side / _STEP) * _STEP)


def _sized(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    return image if size is None or image.size == size else image.resize(size, Image.Resampling.LANCZOS)
