"""What a download may take, and what it brings; importable without the HTTP library."""

from __future__ import annotations

from dataclasses import dataclass

USER_AGENT = "llmi-sandbox/0.1 (picture fetcher for illustrated documents)"


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What one download may take: bytes, redirects, seconds in all and between two pieces."""

    bytes: int = 16 * 2**20
    redirects: int = 4
    seconds: float = 15.0
    pause: float = 6.0


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes, and the address they really came from."""

    data: bytes
    url: str
