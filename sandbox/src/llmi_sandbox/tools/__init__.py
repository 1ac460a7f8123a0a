"""The visual tools, and what a tool is (`base`)."""
