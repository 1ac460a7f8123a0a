"""`python -m llmi_sandbox`: the same as the command `llmi-sandbox`."""

from llmi_sandbox.cli import app

if __name__ == "__main__":
    app(prog_name="llmi-sandbox")
