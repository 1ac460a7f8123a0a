"""`python -m llmi_train`: the same as the command `llmi-train`."""

from llmi_train.cli import app

app()
