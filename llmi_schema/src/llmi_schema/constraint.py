"""What a prompt asks for: how many pictures, and which tools must be used."""

from __future__ import annotations

from operator import index
from typing import Self

from pydantic import BaseModel, ConfigDict, field_serializer, model_validator

from llmi_schema.errors import ConstraintError

MAX_IMAGES = 10
"""Most pictures in a document unless set otherwise: the published judges see no more."""

_AT_LEAST_ONE_CODE = 99


class ImageCount(BaseModel):
    """How many pictures a prompt wants, as a range.

    | want          | constructor                | published code |
    |---------------|----------------------------|----------------|
    | none          | `ImageCount.none()`        | -1             |
    | any number    | `ImageCount.any()`         | 0              |
    | exactly n     | `ImageCount.exactly(n)`    | n (1 to 98)    |
    | at least one  | `ImageCount.at_least_one()`| 99 or "inf"    |
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: int = 0
    maximum: int | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum < 0 or (self.maximum is not None and self.maximum < self.minimum):
            raise ConstraintError(f"no number of pictures lies between {self.minimum} and {self.maximum}")
        return self

    @classmethod
    def none(cls) -> Self:
        """No picture may appear."""
        return cls(minimum=0, maximum=0)

    @classmethod
    def any(cls) -> Self:
        """Any number of pictures, none included."""
        return cls()

    @classmethod
    def exactly(cls, n: int) -> Self:
        """Exactly n pictures, n >= 1."""
        if n < 1:
            raise ConstraintError(f"exactly({n}): n must be at least 1; for no pictures use ImageCount.none()")
        return cls(minimum=n, maximum=n)

    @classmethod
    def at_least_one(cls) -> Self:
        """One picture or more."""
        return cls(minimum=1)

    @classmethod
    def decode(cls, code: int | str) -> Self:
        """Read a published code: -1 none, 0 any, n exactly n, 99 or "inf" at least one.

        Raises `ConstraintError` on anything else.
        """
        try:
            if isinstance(code, str):
                number = _AT_LEAST_ONE_CODE if code.strip().lower() == "inf" else int(code)
            else:
                number = -2 if isinstance(code, bool) else index(code)
        except (ValueError, TypeError):
            number = -2
        if not -1 <= number <= _AT_LEAST_ONE_CODE:
            raise ConstraintError(f'{code!r} is no image count; use -1, 0, 1 to 98, 99 or "inf"')
        match number:
            case -1:
                return cls.none()
            case 0:
                return cls.any()
            case 99:
                return cls.at_least_one()
            case _:
                return cls.exactly(number)

    def encode(self) -> int:
        """The published code. Raises `ConstraintError` for a count that has none, such as exactly 99."""
        match (self.minimum, self.maximum):
            case (0, 0):
                return -1
            case (0, None):
                return 0
            case (1, None):
                return _AT_LEAST_ONE_CODE
            case (low, high) if low == high and low < _AT_LEAST_ONE_CODE:
                return low
            case _:
                raise ConstraintError(
                    f'"{self}" has no published code; codes exist for none, any, exactly 1 to 98, at least one'
                )

    def allows(self, k: int) -> bool:
        """Whether k pictures satisfy the count."""
        return self.minimum <= k and (self.maximum is None or k <= self.maximum)

    def __str__(self) -> str:
        match (self.minimum, self.maximum):
            case (0, 0):
                return "none"
            case (0, None):
                return "any"
            case (low, None):
                return "at least one" if low == 1 else f"at least {low}"
            case (low, high) if low == high:
                return f"exactly {low}"
            case (0, high):
                return f"at most {high}"
            case (low, high):
                return f"{low} to {high}"


class Constraint(BaseModel):
    """An image count and the tools that must be used. Tools are named, not checked against a `Language` here.

    Raises `ConstraintError` for tools that are required where no picture is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: ImageCount = ImageCount()
    required_tools: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.required_tools and self.count.maximum is not None and len(self.required_tools) > self.count.maximum:
            raise ConstraintError(
                f"{len(self.required_tools)} tools are required ({', '.join(sorted(self.required_tools))}) "
                f"but the count is {self.count}: ask for more pictures or fewer tools"
            )
        return self

    @field_serializer("required_tools")
    def _sorted(self, tools: frozenset[str]) -> list[str]:
        return sorted(tools)
