"""Blind validation: implicitness, and a second reading that never sees a label."""

from llmi_data.validation.agreement import Agreement, Confusion, agreement, cohen_kappa
from llmi_data.validation.blind import (
    Dropped,
    DropReason,
    Validated,
    check,
    require_another_model,
    validate,
    validate_async,
)
from llmi_data.validation.chat_reader import ChatReader
from llmi_data.validation.implicitness import Naming, tool_namings
from llmi_data.validation.judge import Implicitness, ImplicitnessJudge
from llmi_data.validation.offline_reader import OfflineReader
from llmi_data.validation.reader import BlindReader, UnclearError
from llmi_data.wording import version


def instructions_version() -> str:
    """Changes with what readers and judges are told."""
    return version("llmi_data.validation", "read", "judge")


__all__ = [
    "Agreement",
    "BlindReader",
    "ChatReader",
    "Confusion",
    "DropReason",
    "Dropped",
    "Implicitness",
    "ImplicitnessJudge",
    "Naming",
    "OfflineReader",
    "UnclearError",
    "Validated",
    "agreement",
    "check",
    "cohen_kappa",
    "instructions_version",
    "require_another_model",
    "tool_namings",
    "validate",
    "validate_async",
]
