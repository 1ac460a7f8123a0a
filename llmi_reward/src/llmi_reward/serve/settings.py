"""What `llmi-reward serve` is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

DRAIN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """
    Attributes:
        render: see `loading.open_renderer`.
        unscored: the float that stands in for a missing score in OpenRLHF's protocol.
        end_marks: what ends an answer in OpenRLHF's decoded text, e.g. `<|im_end|>`.
        deadline_seconds: for one row.
        drain_seconds: how long requests may go on after the server is asked to end.
        key: what clients must send as a bearer token; None lets everyone in.
    """

    render: str = "offline"
    unscored: float = 0.0
    end_marks: Sequence[str] = ()
    deadline_seconds: float | None = 300.0
    drain_seconds: int = DRAIN_SECONDS
    host: str = "127.0.0.1"
    port: int = 8100
    key: str | None = field(default=None, repr=False)
    log_level: str = "info"
