"""`python -m llmi_data`: the command `llmi-data`."""

from llmi_data.cli import app

if __name__ == "__main__":
    app(prog_name="llmi-data")
