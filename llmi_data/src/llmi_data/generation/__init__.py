"""Rows from any language model: briefs, drafts that are sent back where they give a tool away, pictures that exist."""

from llmi_data.generation.draft import Draft
from llmi_data.generation.pictures import Pictures
from llmi_data.generation.step import Writer, Written, compose_rows, write_rows_async
from llmi_data.generation.writer import ChatWriter, Lost

__all__ = ["ChatWriter", "Draft", "Lost", "Pictures", "Writer", "Written", "compose_rows", "write_rows_async"]
