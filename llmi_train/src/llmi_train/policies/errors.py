"""`WritingError`: a policy has no document to give."""

from __future__ import annotations

from llmi_schema import LLMIError


class WritingError(LLMIError):
    """A policy could not write, or did not keep to what it had to keep to. The message says what to do."""
