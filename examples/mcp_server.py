"""The toolkit as an MCP server: search, diffusion, code and edit as tools of any MCP client.

Run: python examples/mcp_server.py [toolkit.toml]    (speaks MCP on standard input and output; needs `pip install mcp`)

Each answer is the picture and its number; `edit` works on the pictures made so far in this process, counted from 0.
"""

import asyncio
import base64
import sys
from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ImageContent,
    ListToolsResult,
    TextContent,
    Tool,
)

from llmi_sandbox import Toolkit
from llmi_schema import LanguageError, Picture, call_from_arguments, tool_definitions


def mcp_server(toolkit: Toolkit) -> Server[Any]:
    """The toolkit's tools over MCP, with definitions from the same models as the tags."""
    pictures: list[Picture] = []

    async def list_tools(_: Any, __: Any) -> ListToolsResult:
        definitions = tool_definitions(style="mcp")
        return ListToolsResult(tools=[Tool.model_validate(d) for d in definitions if d["name"] in toolkit.tools])

    async def call_tool(_: Any, request: CallToolRequestParams) -> CallToolResult:
        try:
            call = call_from_arguments(request.name, request.arguments or {})
        except LanguageError as error:
            return failure(str(error))
        wanted = call.picture_index
        if wanted is not None and wanted >= len(pictures):
            return failure(f"there is no picture {wanted} yet: {len(pictures)} were made")
        result = await toolkit.call(call, () if wanted is None else (pictures[wanted],))
        if result.picture is None:
            return failure(f"{result.reason}: {result.message}")
        pictures.append(result.picture)
        origin = result.picture.provenance
        credit = ", ".join(part for part in (origin.provider, origin.licence, origin.attribution) if part)
        image = ImageContent(
            type="image", data=base64.b64encode(result.picture.png).decode("ascii"), mime_type="image/png"
        )
        words = TextContent(type="text", text=f"picture {len(pictures) - 1} ({credit})")
        return CallToolResult(content=[image, words])

    return Server("llmi-sandbox", version="0.1.0", on_list_tools=list_tools, on_call_tool=call_tool)


def failure(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


async def main(settings: str | None = None) -> None:
    async with Toolkit.from_file(settings) if settings else Toolkit.offline() as toolkit:
        server = mcp_server(toolkit)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2]))
