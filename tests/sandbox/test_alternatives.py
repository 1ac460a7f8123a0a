"""Further answers to one call: the next search result, another seed, in the same limits and the same cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from llmi_sandbox import Drawing, Fallback, LocalSearch, OfflineEditor, OfflineGenerator, Toolkit, WebSearch, gallery
from llmi_sandbox.tools.base import Varied
from llmi_sandbox.tools.dialects import DIALECTS
from llmi_schema import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    Picture,
    SearchCall,
    SearchParams,
    ToolCall,
    ToolResult,
)

FOX = SearchCall(description="", params=SearchParams(query="red fox in the forest"))
DREAM = DiffusionCall(description="", params=DiffusionParams(prompt="a castle by the sea"))


def shown(result: ToolResult) -> str:
    assert result.picture is not None, result.message
    return result.picture.sha256


async def test_search_results_and_seeds_differ_and_each_stays_the_same() -> None:
    async with Toolkit.offline(workers=1) as toolkit:
        for call in (FOX, DREAM):
            first = await toolkit.call(call)
            others = [await toolkit.alternative(call, number) for number in (1, 2, 3)]
            assert len({shown(first), *map(shown, others)}) == 4
            again = await toolkit.alternative(call, 2)
            assert shown(again) == shown(others[1])
            assert again.cached
            assert toolkit.statistics["search" if call is FOX else "diffusion"].attempted == 5


async def test_alternatives_end_where_there_is_nothing_more() -> None:
    search = LocalSearch(gallery()[:2])
    async with Toolkit({"search": search}) as toolkit:
        results = [await toolkit.alternative(FOX, number) for number in range(1, 5)]
    assert results[-1].reason == "no_result"
    assert "nothing more" in results[-1].message


async def test_tools_with_one_answer_say_so() -> None:
    async with Toolkit.offline(workers=1) as toolkit:
        result = await toolkit.alternative(CodeCall(description="", params=CodeParams(code="plt.plot([1])")), 1)
        assert (result.reason, "one answer" in result.message) == ("no_result", True)
        missing = await Toolkit({}).alternative(FOX, 1)
        assert missing.reason == "unavailable"
    assert not isinstance(OfflineEditor(), Varied)


async def test_a_fallback_varies_the_tools_that_can() -> None:
    async def fixed(call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        return ToolResult.failed("no_result", "nothing here")

    both = Fallback([fixed, LocalSearch(gallery())])
    assert shown(await both(FOX, ())) != shown(await both.variant(1)(FOX, ()))
    alone = Fallback([fixed])
    assert alone.variant(3) is alone


def test_every_choice_has_an_identity_of_its_own() -> None:
    for tool in (LocalSearch(gallery()), OfflineGenerator(), Fallback([LocalSearch(gallery())])):
        variants = [tool.variant(number) for number in (0, 1, 2)]
        assert len({variant.identity for variant in variants}) == 3
        assert variants[0].identity == tool.identity


@pytest.mark.parametrize("seed", [None, 7])
def test_a_server_is_sent_another_seed(seed: int | None) -> None:
    drawing = Drawing(seed=seed)
    seeds = [
        (DIALECTS["vllm"].generate("a fox", None, replace(drawing, further=number)).json or {})["seed"]
        for number in range(3)
    ]
    assert seeds == [seeds[0], seeds[0] + 1, seeds[0] + 2]
    assert all(0 <= value < 2**31 for value in seeds)


async def test_a_provider_is_asked_once_for_all_alternatives() -> None:
    from llmi_sandbox import Candidate, Web

    asked = []

    class Provider:
        name = "provider"
        identity = "provider"

        async def find(self, web: Web, query: str) -> list[Candidate]:
            asked.append(query)
            return []

    search = WebSearch(Provider())
    try:
        for number in range(4):
            assert (await search.variant(number)(FOX, ())).reason == "no_result"
    finally:
        search.close()
    assert asked == ["red fox in the forest"]
