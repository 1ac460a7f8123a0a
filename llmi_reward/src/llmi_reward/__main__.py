"""`llmi-reward` and `python -m llmi_reward`: the commands, or what they lack."""

from __future__ import annotations


def main() -> None:
    try:
        from llmi_reward.cli import app
    except ImportError as error:
        raise SystemExit(f"the command needs {error.name}: pip install 'llmi-reward[cli]'") from None
    app()


if __name__ == "__main__":
    main()
