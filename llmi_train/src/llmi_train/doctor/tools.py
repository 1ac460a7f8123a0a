"""The tools of a recipe: every one is called once, as training would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmi_schema import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    FailureReason,
    Picture,
    SearchCall,
    SearchParams,
    ToolCall,
    ToolResult,
)
from llmi_train.doctor.finding import Finding

if TYPE_CHECKING:
    from llmi_sandbox import Toolkit

_CALLS: tuple[ToolCall, ...] = (
    CodeCall(description="a bar chart", params=CodeParams(code="plt.bar(['a', 'b'], [3, 5])")),
    SearchCall(description="a red fox", params=SearchParams(query="red fox")),
    DiffusionCall(description="a lighthouse", params=DiffusionParams(prompt="a lighthouse at sunset")),
    EditCall(description="in grey", params=EditParams(img_index=0, prompt="make it black and white")),
)
_REMEDY: dict[FailureReason, str] = {
    "unavailable": "Name a provider for it in the file that `tools` names, or in the environment (llmi_sandbox.config)",
    "timeout": "Its server is slow or overloaded: raise its deadline, or add servers",
    "refused": "Check the key and the quota of its provider",
}


async def tools(toolkit: Toolkit) -> list[Finding]:
    """One picture from each tool; an edit works on the first that came."""
    findings: list[Finding] = []
    made: list[Picture] = []
    for call in _CALLS:
        result = await toolkit.call(call, made[:1])
        if result.picture is not None:
            made.append(result.picture)
        findings.extend(_found(call.source, result))
    return findings


def _found(tool: str, result: ToolResult) -> Iterator[Finding]:
    if result.picture is not None:
        provider = result.picture.provenance.provider
        yield Finding(f"tool {tool}", True, f"made a picture in {result.seconds:.1f} s ({provider})")
        return
    yield Finding(
        f"tool {tool}",
        False,
        f"{result.reason}: {result.message}",
        _REMEDY.get(result.reason or "crashed", "Try it alone: llmi-sandbox doctor"),
        warning=result.reason == "unavailable",  # a run goes on without a tool, which then counts as down
    )
