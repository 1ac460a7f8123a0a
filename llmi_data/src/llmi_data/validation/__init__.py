"""Blind validation: implicitness, and a second reading that never sees a label."""

from llmi_data.validation.agreement import Agreement, Confusion, agreement, cohen_kappa
from llmi_data.validation.blind import Dropped, DropReason, Validated, check, validate, validate_async
from llmi_data.validation.implicitness import Naming, tool_namings
from llmi_data.validation.offline_reader import OfflineReader
from llmi_data.validation.reader import BlindReader, UnclearError

__all__ = [
    "Agreement",
    "BlindReader",
    "Confusion",
    "DropReason",
    "Dropped",
    "Naming",
    "OfflineReader",
    "UnclearError",
    "Validated",
    "agreement",
    "check",
    "cohen_kappa",
    "tool_namings",
    "validate",
    "validate_async",
]
