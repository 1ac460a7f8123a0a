"""How image servers are spoken to. A dialect turns a wish into a request, and an answer into pictures.

| name | servers | generating | editing |
|---|---|---|---|
| `vllm` | vLLM-Omni, `llmi-sandbox serve` | `/v1/images/generations`, seed and guidance | `/v1/images/edits` (form) |
| `sglang` | SGLang | the same, and `width`, `height` | the same |
| `openai` | OpenAI, and who knows its fields alone | the same path, plain fields | the same |
| `ark` | Volcengine Ark: Seedream, SeedEdit | `/api/v3/images/generations` | the same path, with `image` |
| `published` | the server released with LLM-I | `/generate/` | `/edit/` |
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from llmi_sandbox.errors import ProviderError

DialectName = Literal["auto", "vllm", "sglang", "openai", "ark", "published"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How pictures are to be made; what a server does not know of is not sent to it.

    Attributes:
        size: width and height in pixels; for an edit None keeps the server's choice, usually that of the input.
        steps: denoising steps; None leaves the server's default.
        guidance: guidance for models distilled with it (FLUX, Seedream); None leaves the default.
        true_cfg: classifier-free guidance as Qwen-Image has it, which acts only beside a negative prompt. None is the
            model's own: a pipeline in this process knows it; a server is told 4, unless its model is named and is no
            Qwen.
        negative_prompt: what to keep away from; one blank is the one Qwen-Image was tuned with.
        seed: one for all pictures, or None for one that follows from the prompt, so that equal calls give equal
            pictures and different calls different noise.
        further: added to the seed, for another picture of the same prompt.
    """

    size: tuple[int, int] | None = (1024, 1024)
    steps: int | None = None
    guidance: float | None = None
    true_cfg: float | None = None
    negative_prompt: str | None = " "
    seed: int | None = None
    further: int = 0

    def seed_for(self, prompt: str) -> int:
        """Between 0 and 2^31 - 1, which every server accepts."""
        seed = self.seed if self.seed is not None else zlib.crc32(prompt.encode())
        return (seed + self.further) & 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Message:
    """A request to send: `json`, or a form of `data` and `files`."""

    path: str
    json: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One row of the table above. `edit` is given the picture as PNG."""

    generate: Callable[[str, str | None, Drawing], Message]
    edit: Callable[[str, str | None, Drawing, bytes], Message]
    health: str | None
    """A path that answers 200 when the server is well, or None where there is none."""


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _by(size: tuple[int, int] | None) -> str | None:
    return None if size is None else f"{size[0]}x{size[1]}"


QWEN_GUIDANCE = 4.0


def _true_cfg(drawing: Drawing, model: str | None) -> float | None:
    """Some servers leave Qwen-Image's guidance out unless it is asked for."""
    if drawing.true_cfg is None and (model is None or "qwen" in model.lower()):
        return QWEN_GUIDANCE
    return drawing.true_cfg


def _knobs(drawing: Drawing, prompt: str, model: str | None) -> dict[str, Any]:
    return _present(
        seed=drawing.seed_for(prompt),
        num_inference_steps=drawing.steps,
        guidance_scale=drawing.guidance,
        true_cfg_scale=_true_cfg(drawing, model),
        negative_prompt=drawing.negative_prompt,
    )


def _vllm_generate(prompt: str, model: str | None, drawing: Drawing) -> Message:
    fields = _present(prompt=prompt, model=model, n=1, size=_by(drawing.size), response_format="b64_json")
    return Message("/v1/images/generations", json=fields | _knobs(drawing, prompt, model))


def _sglang_generate(prompt: str, model: str | None, drawing: Drawing) -> Message:
    width, height = drawing.size or (None, None)
    plain = _vllm_generate(prompt, model, drawing)
    return Message(plain.path, json={**(plain.json or {}), **_present(width=width, height=height)})


def _openai_generate(prompt: str, model: str | None, drawing: Drawing) -> Message:
    return Message("/v1/images/generations", json=_present(prompt=prompt, model=model, n=1, size=_by(drawing.size)))


def _vllm_edit(prompt: str, model: str | None, drawing: Drawing, png: bytes) -> Message:
    fields = _present(
        prompt=prompt, model=model, n=1, size=_by(drawing.size), output_format="png", response_format="b64_json"
    )
    return _form(fields | _knobs(drawing, prompt, model), png)


def _openai_edit(prompt: str, model: str | None, drawing: Drawing, png: bytes) -> Message:
    return _form(_present(prompt=prompt, model=model, n=1, size=_by(drawing.size)), png)


def _form(fields: Mapping[str, Any], png: bytes) -> Message:
    data = {name: str(value) for name, value in fields.items()}
    return Message("/v1/images/edits", data=data, files={"image": ("image.png", png, "image/png")})


def _ark_generate(prompt: str, model: str | None, drawing: Drawing) -> Message:
    fields = _present(
        model=model or "doubao-seedream-3-0-t2i-250415",
        prompt=prompt,
        size=_by(drawing.size),
        seed=drawing.seed_for(prompt),
        guidance_scale=drawing.guidance,
    )
    return Message("/api/v3/images/generations", json={**fields, "watermark": False, "response_format": "b64_json"})


def _ark_edit(prompt: str, model: str | None, drawing: Drawing, png: bytes) -> Message:
    plain = _ark_generate(prompt, model or "doubao-seededit-3-0-i2i-250628", drawing)
    picture = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return Message(plain.path, json={**(plain.json or {}), "image": picture})


def _published_generate(prompt: str, model: str | None, drawing: Drawing) -> Message:
    width, height = drawing.size or (None, None)
    fields = _present(
        prompt=prompt,
        negative_prompt=drawing.negative_prompt,
        width=width,
        height=height,
        num_inference_steps=drawing.steps,
    )
    return Message("/generate/", json=fields)


def _published_edit(prompt: str, model: str | None, drawing: Drawing, png: bytes) -> Message:
    picture = base64.b64encode(png).decode("ascii")
    fields = _present(
        image_b64=picture,
        prompt=prompt,
        negative_prompt=drawing.negative_prompt,
        num_inference_steps=drawing.steps,
    )
    return Message("/edit/", json=fields)


DIALECTS: Final[Mapping[str, Dialect]] = {
    "vllm": Dialect(_vllm_generate, _vllm_edit, "/health"),
    "sglang": Dialect(_sglang_generate, _vllm_edit, "/health"),
    "openai": Dialect(_openai_generate, _openai_edit, None),
    "ark": Dialect(_ark_generate, _ark_edit, None),
    "published": Dialect(_published_generate, _published_edit, "/health"),
}


def first_picture(answer: Any) -> bytes | str:
    """The bytes of an answer's first picture, or the link to it. Raises `ProviderError` when there is neither."""
    match answer:
        case {"data": [{"b64_json": str(text)}, *_]} if text:
            return decoded(text)
        case {"data": [{"url": str(link)}, *_]} if link.startswith("data:"):
            return decoded(link.partition(",")[2])
        case {"data": [{"url": str(link)}, *_]} if link:
            return link
        case {"status": "success", "images": [str(text), *_]}:
            return decoded(text)
    raise ProviderError("the image server's answer holds no picture", transient=True)


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProviderError("the image server sent a picture that is no base64", transient=True) from None
