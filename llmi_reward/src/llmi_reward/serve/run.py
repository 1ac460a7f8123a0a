"""Starting the server, until it is told to end."""

from __future__ import annotations

from llmi_reward.formula import Reward
from llmi_reward.serve.settings import ServeSettings
from llmi_schema import SystemRequirementError


def serve(reward: Reward, settings: ServeSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; then take no more requests, and finish those there are.

    Raises `SystemRequirementError` without the packages of `llmi-reward[serve]`.
    """
    try:
        import uvicorn

        from llmi_reward.serve.app import reward_app
    except ImportError as error:
        raise SystemRequirementError(f"serving needs {error.name}: pip install 'llmi-reward[serve]'") from None
    server: uvicorn.Server
    config = uvicorn.Config(
        reward_app(reward, settings, draining=lambda: server.should_exit),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        timeout_graceful_shutdown=settings.drain_seconds,
        timeout_keep_alive=30,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.run()
