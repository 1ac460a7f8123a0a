"""What the image endpoints accept, in OpenAI's names and those of vLLM-Omni, SGLang and the published server."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LARGEST_SIDE = 2048
SMALLEST_SIDE = 16


class PictureRequest(BaseModel):
    """One request for pictures. Fields not named here are left alone, as other servers do.

    `size` is `WIDTHxHEIGHT` or `auto`; `width` and `height` say the same. Without either a picture is 1024 x 1024, and
    an edit keeps the size of its picture.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    prompt: str = Field(min_length=1, max_length=8000)
    model: str | None = None
    n: int = Field(default=1, ge=1, le=4)
    size: tuple[int, int] | None = None
    response_format: Literal["b64_json", "url"] = "b64_json"
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    num_inference_steps: int | None = Field(default=None, ge=1, le=200)
    guidance_scale: float | None = Field(default=None, ge=0, le=50)
    true_cfg_scale: float | None = Field(default=None, ge=0, le=50)
    negative_prompt: str | None = Field(default=None, max_length=8000)

    @model_validator(mode="before")
    @classmethod
    def _from_sides(cls, value: Any) -> Any:
        """Fields left empty in a form are fields not given; `width` and `height` are a size."""
        if not isinstance(value, dict):
            return value
        given = {key: field for key, field in value.items() if field not in (None, "") or key == "prompt"}
        if "size" not in given and {"width", "height"} <= given.keys():
            given["size"] = f"{given['width']}x{given['height']}"
        return given

    @field_validator("size", mode="before")
    @classmethod
    def _parse_size(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value == "auto":
            return None
        width, by, height = value.partition("x")
        if not (by and width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
            raise ValueError("a size is WIDTHxHEIGHT, such as 1024x1024, or auto")
        return int(width[:6]), int(height[:6])

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.size and not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in self.size):
            raise ValueError(f"sides from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels are possible")
        return self

    @property
    def drawing(self) -> dict[str, Any]:
        """The wishes for `llmi_sandbox.tools.dialects.Drawing`; what is not given keeps its default there."""
        wishes = {
            "seed": self.seed,
            "steps": self.num_inference_steps,
            "guidance": self.guidance_scale,
            "true_cfg": self.true_cfg_scale,
            "negative_prompt": self.negative_prompt,
        }
        return {name: value for name, value in wishes.items() if value is not None}
