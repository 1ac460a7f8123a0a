"""Starting the server: workers, queue and port, until it is told to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from llmi_sandbox.server.pool import Device, Pool
from llmi_schema import ConfigurationError, SystemRequirementError

DRAIN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What `llmi-sandbox serve` is given.

    Attributes:
        models: Hub names or folders of diffusers pipelines; every worker loads all of them.
        devices: GPU numbers, or `cpu`; `auto` is every GPU, or the processor where there is none.
        per_device: workers on each device.
        queue: how many requests may wait; the next is told to come back (429).
        seconds: for one request in a worker.
        key: what clients must send as a bearer token.
    """

    models: Sequence[str]
    devices: Sequence[str] = ("auto",)
    per_device: int = 1
    host: str = "127.0.0.1"
    port: int = 8000
    queue: int = 64
    seconds: float = 600.0
    dtype: str = "auto"
    key: str | None = field(default=None, repr=False)
    log_level: str = "info"


def serve(settings: ServeSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; then take no more requests, finish those there are, and end the workers.

    Raises:
        SystemRequirementError: without the packages of `llmi-sandbox[serve]`.
        ConfigurationError: for a device that does not exist.
    """
    try:
        import uvicorn

        from llmi_sandbox.server.app import image_app
    except ImportError as error:
        raise SystemRequirementError(f"serving needs {error.name}: pip install 'llmi-sandbox[serve]'") from None
    for needed in ("diffusers", "torch"):  # looked for here, as a worker that cannot load a model is started again
        if find_spec(needed) is None:
            raise SystemRequirementError(f"serving needs {needed}: pip install 'llmi-sandbox[serve]'")
    devices = [Device(name) for name in devices_named(settings.devices) for _ in range(settings.per_device)]
    pool = Pool(settings.models, devices, dtype=settings.dtype, queue=settings.queue, seconds=settings.seconds)
    uvicorn.run(
        image_app(pool, key=settings.key),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=30,
        server_header=False,
    )


def devices_named(names: Sequence[str]) -> list[str]:
    """The devices meant by what a person wrote. Raises ConfigurationError for what is no device."""
    if list(names) == ["auto"]:
        return _all_gpus() or ["cpu"]
    for name in names:
        if name != "cpu" and not (name.isascii() and name.isdigit()):
            raise ConfigurationError(f"{name!r} is no device: a GPU's number (0, 1, ...), cpu, or auto alone")
    return list(names)


def _all_gpus() -> list[str]:
    # asked in a process of its own: this one must not hold a piece of every GPU's memory
    import subprocess
    import sys

    code = "import torch; print(torch.cuda.device_count())"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    count = asked.stdout.strip()
    return [str(number) for number in range(int(count))] if count.isdigit() else []
