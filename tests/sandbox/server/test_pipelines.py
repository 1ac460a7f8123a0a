"""Pipelines in this process, with tiny models: sizes, seeds, guidance, RGBA, and the tools around them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from llmi_sandbox import Drawing, Pipeline, PipelineEditor, PipelineGenerator, Toolkit
from llmi_schema import ConfigurationError

DRAWING = Drawing(size=(64, 48), steps=2, seed=1)


@pytest.fixture(scope="module")
def pipelines(models):
    return {kind: Pipeline(str(folder), device="cpu") for kind, folder in models.items()}


def drawn(pipeline: Pipeline, drawing: Drawing, prompt: str = "a red fox") -> bytes:
    return pipeline.make(prompt, drawing)[0].tobytes()


@pytest.mark.parametrize("kind", ["generate", "qwen"])
def test_seed_words_and_guidance_act(pipelines, kind):
    pipeline = pipelines[kind]
    first = drawn(pipeline, DRAWING)
    assert drawn(pipeline, DRAWING) == first
    changed = [
        drawn(pipeline, replace(DRAWING, seed=2)),
        drawn(pipeline, DRAWING, "a blue owl"),
        drawn(pipeline, replace(DRAWING, guidance=12.0)),
        drawn(pipeline, replace(DRAWING, negative_prompt="snow and ice")),
        drawn(pipeline, replace(DRAWING, steps=3)),
    ]
    assert len({first, *changed}) == 6


def test_qwen_images_own_guidance_acts(pipelines):
    plain = drawn(pipelines["qwen"], replace(DRAWING, true_cfg=1.0))
    assert drawn(pipelines["qwen"], replace(DRAWING, true_cfg=4.0)) != plain
    assert drawn(pipelines["qwen"], replace(DRAWING, guidance=1.0)) == plain, "`guidance` means the same there"


def test_the_kth_picture_does_not_depend_on_how_many(pipelines):
    both = pipelines["generate"].make("a fox", DRAWING, n=2)
    alone = pipelines["generate"].make("a fox", replace(DRAWING, seed=2))
    assert both[1].tobytes() == alone[0].tobytes() != both[0].tobytes()


@pytest.mark.parametrize("size", [(64, 64), (50, 70), (33, 17)])
def test_sizes_are_met_to_the_pixel(pipelines, size):
    assert pipelines["generate"].make("a fox", replace(DRAWING, size=size))[0].size == size


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_any_mode_can_be_edited(pipelines, mode):
    given = Image.linear_gradient("L").resize((64, 48)).convert(mode)
    assert pipelines["edit"].make("redder", replace(DRAWING, size=(64, 48)), picture=given)[0].size == (64, 48)


def test_a_pipeline_does_what_it_can_only(pipelines):
    with pytest.raises(ConfigurationError, match="changes pictures"):
        pipelines["edit"].make("x", DRAWING)
    with pytest.raises(ConfigurationError, match="from words alone"):
        pipelines["generate"].make("x", DRAWING, picture=Image.new("RGB", (64, 64)))
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        Pipeline("/nowhere/at/all", device="cpu").load()


async def test_the_tools_render_a_document(pipelines, calls):
    tools = {
        "diffusion": PipelineGenerator(pipelines["qwen"], drawing=DRAWING),
        "edit": PipelineEditor(pipelines["edit"], drawing=Drawing(size=None, steps=2)),
    }
    async with Toolkit(tools) as toolkit:
        text = (
            calls.diffusion("a red fox").to_tag()
            + calls.edit(0, "make it blue").to_tag()
            + calls.diffusion(" ").to_tag()
        )
        rendered = await toolkit.render(text)
    assert [r.reason for r in rendered.results] == [None, None, "bad_call"]
    made, edited = rendered.delivered
    assert (edited.width, edited.height) == (made.width, made.height) == (64, 48)
    assert edited.provenance.tool == "edit"


class Scripted:
    """A pipeline that answers as told."""

    def __init__(self, image: Image.Image, *, objects: bool = False) -> None:
        self._answer = SimpleNamespace(images=[image], nsfw_content_detected=[objects])

    def __call__(self, prompt, generator, width=None, height=None):
        return self._answer


class ScriptedEditor(Scripted):
    def __call__(self, prompt, generator, image):
        return self._answer


GRADIENT = Image.linear_gradient("L").resize((64, 48))


async def test_a_pipeline_may_be_at_hand_already(calls, make_picture):
    size = Drawing(size=(64, 48))
    made = await PipelineGenerator(Pipeline(Scripted(GRADIENT)), drawing=size)(calls.diffusion("a fox"), ())
    assert (made.picture.width, made.picture.provenance.provider) == (64, "Scripted")
    edited = await PipelineEditor(Pipeline(ScriptedEditor(GRADIENT)))(calls.edit(0, "redder"), (make_picture(),))
    assert edited.picture.provenance.provider == "ScriptedEditor"


async def test_what_the_safety_checker_objects_to_is_refused(calls):
    tools = {"diffusion": PipelineGenerator(Pipeline(Scripted(GRADIENT, objects=True)))}
    async with Toolkit(tools) as toolkit:
        result = await toolkit.call(calls.diffusion("a fox"))
    assert (result.reason, "safety checker" in result.message) == ("refused", True)


async def test_a_blank_picture_is_no_picture(calls):
    tool = PipelineGenerator(Pipeline(Scripted(Image.new("RGB", (64, 48)))))
    assert (await tool(calls.diffusion("a fox"), ())).reason == "blank"


async def test_calls_that_make_no_sense(calls, make_picture):
    generator = PipelineGenerator(Pipeline(Scripted(GRADIENT)))
    editor = PipelineEditor(Pipeline(ScriptedEditor(GRADIENT)))
    assert (await generator(calls.search("x"), ())).reason == "unavailable"
    assert (await generator(calls.diffusion(" "), ())).reason == "bad_call"
    assert (await editor(calls.search("x"), ())).reason == "unavailable"
    assert (await editor(calls.edit(0, "x"), ())).reason == "missing_picture"
    assert (await editor(calls.edit(0, " "), (make_picture(),))).reason == "bad_call"


def test_a_model_goes_where_it_runs_best_unless_told(models):
    made = Pipeline(str(models["generate"])).make("a fox", replace(DRAWING, size=(64, 64)))
    assert made[0].size == (64, 64)
    with pytest.raises(ConfigurationError, match="cannot be loaded on cpu"):
        Pipeline(str(models["generate"]), device="cpu", dtype="float31").load()
