"""`ScalingError`: there is nothing to choose from."""

from __future__ import annotations

from llmi_schema import LLMIError


class ScalingError(LLMIError):
    """Not one candidate could be written, and not for want of budget. The message holds the first reason."""
