"""A fifth tool in ten lines: diagrams from Graphviz source. Everything else follows from the model.

Run: python examples/fifth_tool.py
"""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmi_schema import (
    DEFAULT_LANGUAGE,
    Constraint,
    ImageCount,
    Language,
    RowConstraint,
    ToolCall,
    close,
    parse,
    system_prompt,
)


class DiagramParams(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    dot: str = Field(description="Graphviz source of one graph")
    engine: Literal["dot", "neato", "circo"] = "dot"


class DiagramCall(ToolCall):
    """Draw a graph of boxes and arrows."""

    purpose: ClassVar[str] = "structure: flows, hierarchies, networks"
    source: Literal["diagram"] = "diagram"
    params: DiagramParams


FIVE = Language((*DEFAULT_LANGUAGE.calls, DiagramCall))


def main() -> None:
    row = RowConstraint(ImageCount.exactly(1), language=FIVE, required_tools=frozenset({"diagram"}))
    text = 'The pipeline: <imgen>{"source": "diagram", "description": "the steps", "params": {"dot": "digraph { a -> b'
    text += close(text, row)  # the grammar knows the new tool: it ends its strings and adds its other field
    print(text)
    print(parse(text, language=FIVE).calls[0].params)
    constraint = Constraint(count=row.count, required_tools=row.required_tools)
    print(
        next(line for line in system_prompt(FIVE, constraint=constraint).splitlines() if line.startswith("- diagram"))
    )


if __name__ == "__main__":
    main()
