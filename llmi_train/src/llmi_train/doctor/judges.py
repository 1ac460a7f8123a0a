"""Judges and model servers: reachable, the model listed, one verdict works, constraints enforced."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmi_reward.chat.endpoint import Endpoint
from llmi_schema import ConfigurationError
from llmi_schema.engines import Engine
from llmi_train.doctor.finding import Finding

if TYPE_CHECKING:
    from llmi_reward import Sample
    from llmi_reward.chat import ChatClient
    from llmi_train.reward import Judges, JudgeSettings, RewardName

_SECONDS = 60.0


async def judges(reward: RewardName, settings: Judges, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Both judges of a recipe; none for a reward that asks nobody. Each is asked for one verdict, which is paid for."""
    if reward == "rules":
        return []
    both = (("LLM_JUDGE", "text judge", settings.llm), ("MLLM_JUDGE", "picture judge", settings.mllm))
    found = await asyncio.gather(*(_judge(prefix, name, one, environment) for prefix, name, one in both))
    return [finding for findings in found for finding in findings]


async def _judge(
    prefix: str, name: str, settings: JudgeSettings, environment: Mapping[str, str] | None
) -> list[Finding]:
    from llmi_reward.judges import LLMJudge, MLLMJudge

    try:  # without the journal: an old answer would say nothing about today's server
        client = settings.model_copy(update={"journal": None, "deadline_seconds": _SECONDS}).client(prefix, environment)
    except ConfigurationError as error:
        remedy = f"Set judges.{'llm' if prefix == 'LLM_JUDGE' else 'mllm'} in the recipe, or {prefix}_BASE_URL and "
        return [Finding(name, False, str(error), f"{remedy}{prefix}_MODEL_NAME; or train with reward: rules")]
    async with client:
        findings = [await listed(name, client.endpoint)]
        if findings[0].stops:
            return findings
        judge = (LLMJudge if prefix == "LLM_JUDGE" else MLLMJudge)(client)
        score = await judge.judge(_sample())
        findings.append(
            Finding(
                f"{name}'s verdict",
                score.value is not None,
                f"{score.details.get('marks')} for a test document" if score.value is not None else str(score.reason),
                "The model must answer with JSON, and the picture judge must see pictures: try a stronger one",
            )
        )
        if findings[-1].ok:
            findings.append(await enforcement(f"{name}'s schema", client, "openai", stops=False))
    return findings


async def listed(name: str, endpoint: Endpoint) -> Finding:
    """Whether a server answers and has the model."""
    import openai

    if endpoint.azure_api_version:
        return Finding(name, True, f"{endpoint.model} on Azure, which lists no deployments")
    remedy = f"Start the server, or correct its address: curl {endpoint.base_url.rstrip('/')}/models"
    try:
        async with openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.api_key, timeout=_SECONDS, max_retries=0
        ) as client:
            models = [model.id async for model in await client.models.list()]
    except openai.NotFoundError:
        return Finding(name, True, f"{endpoint.base_url} answers, but lists no models")
    except openai.AuthenticationError:
        return Finding(
            name, False, f"{endpoint.base_url} refuses the key", "Set api_key_env to the variable with the key"
        )
    except openai.OpenAIError as error:
        return Finding(name, False, f"{endpoint.base_url} does not answer: {error}", remedy)
    return Finding(
        name,
        endpoint.model in models,
        f"{endpoint.model} at {endpoint.base_url}"
        if endpoint.model in models
        else f"{endpoint.base_url} has no {endpoint.model!r}, only {', '.join(models[:5]) or 'no model at all'}",
        "Name one that is there, or serve the one you named",
    )


async def enforcement(name: str, client: ChatClient, engine: Engine, *, stops: bool = True) -> Finding:
    """Whether a server really enforces constraints: one call whose answer can only be a word made up for it."""
    from llmi_reward.chat import ChatError
    from llmi_schema import probe

    question = probe(engine)
    options = {**question.parameters, **question.parameters.get("extra_body", {})}
    options.pop("extra_body", None)
    try:
        answer = (await client.ask(question.messages, options=options)).text
    except ChatError as error:
        answer = f"({error})"
    return Finding(
        name,
        question.enforced(answer),
        "enforced by the server" if question.enforced(answer) else f"not enforced; the server answered {answer[:80]!r}",
        "Serve with vLLM 0.12 or SGLang or later, or do without: answers are checked when they arrive, and asked for "
        "again"
        if not stops
        else "Serve with vLLM 0.12 or SGLang or later, which enforce grammars; older ones ignore them",
        warning=not stops,
    )


def _sample() -> Sample:
    """A small good document with one picture, for a judge to mark."""
    from PIL import Image, ImageDraw

    from llmi_reward import Sample
    from llmi_sandbox.pictures import encode
    from llmi_schema import (
        Constraint,
        DiffusionCall,
        DiffusionParams,
        ImageCount,
        Provenance,
        RenderedDocument,
        ToolResult,
        parse,
    )

    image = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(image).ellipse((16, 16, 80, 80), fill="red")
    call = DiffusionCall(description="a red disc", params=DiffusionParams(prompt="a red disc on white"))
    picture = encode(image, Provenance(tool="diffusion", provider="llmi-train doctor"))
    document = parse(f"A red disc on a white ground:\n\n{call.to_tag()}\n\nIt is round.")
    rendered = RenderedDocument(document=document, results=(ToolResult(picture=picture),))
    return Sample("Show me a red disc.", rendered, Constraint(count=ImageCount.exactly(1)))


def policy(endpoint: Endpoint, engine: Engine) -> list[Finding]:
    """A server that writes documents: reachable, the model there, grammars enforced."""
    from llmi_reward.chat import ChatClient

    async def look() -> list[Finding]:
        first = await listed("policy server", endpoint)
        if first.stops:
            return [first]
        async with ChatClient(endpoint, deadline_seconds=_SECONDS) as client:
            return [first, await enforcement("policy server's constraints", client, engine)]

    return asyncio.run(look())
