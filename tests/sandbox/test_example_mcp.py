"""`examples/mcp_server.py`, asked by the official SDK's own client, as a process and in memory."""

import base64
import importlib.util
import sys
from pathlib import Path

import pytest

from llmi_sandbox import OfflineEditor, OfflineGenerator, Toolkit
from llmi_sandbox.pictures import decode

mcp = pytest.importorskip("mcp")
EXAMPLE = Path(__file__).parents[2] / "examples" / "mcp_server.py"


async def test_over_standard_input_and_output():
    command = mcp.StdioServerParameters(command=sys.executable, args=[str(EXAMPLE)])
    async with mcp.Client(mcp.stdio_client(command)) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "diffusion", "code", "edit"]
        found = await client.call_tool("search", {"description": "a fox", "query": "red fox"})
        image, words = found.content
        assert decode(base64.b64decode(image.data)).size == (480, 360)
        assert words.text.startswith("picture 0 (offline gallery, CC0-1.0, ")
        edited = await client.call_tool(
            "edit", {"description": "grey", "img_index": 0, "prompt": "make it black and white"}
        )
        assert edited.content[1].text.startswith("picture 1 (offline editor")
        assert edited.content[0].data != image.data


@pytest.fixture
def server():
    spec = importlib.util.spec_from_file_location("mcp_server_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with Toolkit({"diffusion": OfflineGenerator(), "edit": OfflineEditor()}) as toolkit:
        yield module.mcp_server(toolkit)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("edit", {"description": "", "img_index": 0, "prompt": "blur"}, "no picture 0 yet"),
        ("edit", {"description": "", "img_index": "0", "prompt": "blur"}, "this is no call of edit"),
        ("diffusion", {"description": ""}, "this is no call of diffusion"),
        ("diffusion", {"description": "", "prompt": " "}, "bad_call"),
        ("nothing", {}, "this is no call of nothing"),
        ("search", {"description": "", "query": "fox"}, "no search tool is configured"),
    ],
)
async def test_failures_are_answers(server, tool, arguments, says):
    async with mcp.Client(server) as client:
        assert [one.name for one in (await client.list_tools()).tools] == ["diffusion", "edit"]
        answer = await client.call_tool(tool, arguments)
        assert answer.is_error
        assert says in answer.content[0].text
