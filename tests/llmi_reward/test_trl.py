"""The TRL adapter, called as TRL calls it; `test_trl_trainer.py` has the real trainer."""

import asyncio
import inspect
import io
import logging
from types import SimpleNamespace

import pytest

from llmi_reward import Score, TagFormat, presets
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.trl import trl_reward
from llmi_schema import ConfigurationError, ImageCount, Language, RenderedDocument, ToolResult


@pytest.fixture
def render(make):
    async def render(document, inputs):
        await asyncio.sleep(0)
        return make.rendered(str(document), inputs=inputs)

    return render


def call(reward, completions, **columns):
    columns.setdefault("image_count", [1] * len(completions))
    columns.setdefault("prompts", ["?"] * len(completions))
    return reward(completions=completions, completion_ids=[[1, 2]] * len(completions), **columns)


def test_trl_sees_an_async_function_with_a_name(render):
    reward = trl_reward(presets.rules(), render=render, name="illustrated")
    assert inspect.iscoroutinefunction(reward)
    assert reward.__name__ == "illustrated"


async def test_one_value_per_completion_in_order(make, render):
    reward = trl_reward(presets.rules(), render=render)
    values = await call(
        reward,
        [make.tag("code"), "Prose.", [{"role": "assistant", "content": make.tag()}], make.tag() + "<imgen>"],
        required_tools=[["code"], [], None, ["search"]],
        image_count=[1, "inf", -1, 1],
    )
    assert values == [1.0, 0.4, 0.4, 0.0]


async def test_content_parts_are_text_too(make, render):
    parts = [{"type": "text", "text": "A fox."}, {"type": "image", "image": b"?"}, {"type": "text", "text": make.tag()}]
    reward = trl_reward(presets.rules(), render=render)
    assert await call(reward, [[{"role": "assistant", "content": parts}]]) == [1.0]
    assert await call(reward, [[{"role": "assistant", "content": None}]], image_count=[0]) == [1.0]


async def test_a_bad_row_costs_nothing_but_itself(make, caplog):
    async def render(document, inputs):
        if "boom" in str(document):
            raise RuntimeError("no such tool server")
        if "slow" in str(document):
            await asyncio.sleep(60)
        return make.rendered(str(document))

    seen = []
    reward = trl_reward(presets.rules(), render=render, deadline_seconds=0.1, on_batch=seen.append)
    completions = [make.tag(), "boom", "slow", 7, make.tag(), make.tag(), make.tag(), make.tag()]
    with caplog.at_level(logging.WARNING):
        values = await call(
            reward,
            completions,
            image_count=[1, 0, 0, 0, -7, None, 1, 1],
            required_tools=[[]] * 7 + ["code"],
        )
    assert values == [1.0, None, None, None, None, None, 1.0, None]
    reasons = [row.score.reason for row in seen[0].rows]
    assert reasons[0] is None
    assert reasons[1] == "RuntimeError: no such tool server"
    assert reasons[2] == "the deadline of 0.1 s passed"
    assert "a completion is a string or chat messages, not int" in reasons[3]
    assert "-7 is no image count" in reasons[4]
    assert "the row has no image_count" in reasons[5]
    assert "required_tools must be a list of tool names, not 'code'" in reasons[7]
    assert all(reason in caplog.text for reason in reasons if reason)


async def test_a_timeout_inside_a_tool_is_not_called_the_deadline(make):
    async def render(document, inputs):
        raise TimeoutError("connect")

    seen = []
    await call(trl_reward(presets.rules(), render=render, on_batch=seen.append), ["Prose."])
    assert seen[0].rows[0].score.reason == "TimeoutError: connect"


async def test_rows_do_not_wait_for_each_other(make):
    """Ten rows of which each waits for the next one's rendering to have begun."""
    begun = [asyncio.Event() for _ in range(10)]

    async def render(document, inputs):
        number = int(str(document))
        begun[number].set()
        await begun[(number + 1) % 10].wait()
        return make.rendered(str(document))

    reward = trl_reward(presets.rules(), render=render, deadline_seconds=5)
    assert await call(reward, [str(n) for n in range(10)], image_count=[0] * 10) == [1.0] * 10


async def test_cancellation_passes_through(make):
    async def render(document, inputs):
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call(trl_reward(presets.rules(), render=render), ["Prose."] * 3)
    assert len(asyncio.all_tasks()) == 1


async def test_without_render_everything_that_needs_pictures_is_unscored(make, caplog):
    assert await call(trl_reward(presets.rules(), render=None), [make.tag()]) == [None]
    assert "pass render=" in caplog.text
    assert await call(trl_reward(TagFormat(), render=None), [make.tag()]) == [1.0]


async def test_a_dataset_without_counts_is_refused(render):
    with pytest.raises(ConfigurationError, match="image_count"):
        await trl_reward(presets.rules(), render=render)(prompts=["?"], completions=["!"], completion_ids=[[1]])


async def test_any_reward_will_do(render):
    async def length(sample):
        return Score(float(len(sample.parsed.text)))

    assert await call(trl_reward(length, render=render), ["four"]) == [4.0]


async def test_answers_cut_off_are_not_finished(make, render):
    reward = trl_reward(presets.rules(), render=render, end_tokens={2})
    values = await reward(
        prompts=["?"] * 3, completions=[make.tag()] * 3, completion_ids=[[5, 2], [5, 5], []], image_count=[1, 1, 1]
    )
    assert values == [1.0, 0.0, 0.0]
    with pytest.raises(ConfigurationError, match="completion_ids"):
        await reward(prompts=["?"], completions=["!"], image_count=[0])


async def test_split_test_counts_exactly(make, render):
    reward = trl_reward(presets.rules(), render=render)
    values = await call(reward, [make.tag()] * 3, image_count=[2, 2, 2], split=["train", "test", None])
    assert values == [pytest.approx(0.7), pytest.approx(0.4), pytest.approx(0.7)]


async def test_a_language_of_fewer_tools(make, render):
    reward = trl_reward(TagFormat(), render=None, language=Language().only("code"))
    assert await call(reward, [make.tag("code"), make.tag("search")]) == [1.0, 0.0]


@pytest.mark.parametrize("column", ["input_pictures", "images"])
async def test_input_pictures_are_counted_and_handed_to_render(make, render, column):
    seen = []
    edit = make.tag("edit", img_index=1, prompt="blue")
    reward = trl_reward(presets.rules(), render=render, on_batch=seen.append)
    pictures = [[make.png(8), {"bytes": make.png(9), "path": None}], [make.png(8)], None]
    values = await call(reward, [edit] * 3, image_count=[1] * 3, **{column: pictures})
    assert values == [1.0, 0.0, 0.0]
    given = [row.sample.rendered.inputs for row in seen[0].rows]
    assert [len(inputs) for inputs in given] == [2, 1, 0]
    assert [picture.png for picture in given[0]] == [make.png(8), make.png(9)]
    assert {picture.provenance.tool for picture in given[0]} == {"input"}


async def test_pillow_pictures_and_other_formats(render, make):
    image = pytest.importorskip("PIL.Image")
    jpeg = io.BytesIO()
    image.new("RGB", (3, 2), "red").save(jpeg, "JPEG")
    seen = []
    reward = trl_reward(presets.rules(), render=render, on_batch=seen.append)
    inputs = [image.new("LA", (4, 4)), image.new("CMYK", (5, 5)), jpeg.getvalue()]
    await call(reward, [make.tag("edit", img_index=2, prompt="blue")], input_pictures=[inputs])
    sizes = [(picture.width, picture.height) for picture in seen[0].rows[0].sample.rendered.inputs]
    assert sizes == [(4, 4), (5, 5), (3, 2)]


async def test_what_is_no_picture_costs_its_row(render):
    seen = []
    reward = trl_reward(presets.rules(), render=render, on_batch=seen.append)
    pictures = [["fox.png"], [{"bytes": None, "path": "fox.png"}], []]
    assert await call(reward, ["Prose."] * 3, image_count=[0] * 3, input_pictures=pictures) == [None, None, 1.0]
    assert "given as text is base64" in seen[0].rows[0].score.reason
    assert "an input picture is PNG bytes" in seen[0].rows[1].score.reason


async def test_metrics_and_columns(make):
    async def render(document, inputs):
        if "boom" in str(document):
            raise RuntimeError("boom")
        results = [
            ToolResult(picture=make.picture(n)) if tag.call.source == "code" else ToolResult.failed("crashed", "")
            for n, tag in enumerate(document.tags)
        ]
        return RenderedDocument(document=document, results=tuple(results), inputs=inputs)

    metrics, columns = {}, {}
    reward = trl_reward(presets.rules(), render=render)
    await call(
        reward,
        [make.tag("code") * 2, make.tag("code") + make.tag("search"), "boom", "<think>"],
        image_count=[2, 2, 0, -1],
        required_tools=[["code"], ["search"], [], []],
        log_metric=metrics.__setitem__,
        log_extra=columns.__setitem__,
    )
    assert metrics == {
        "unscored": 0.25,
        "components/format": pytest.approx(2 / 3),
        "components/count": pytest.approx((1 + 0.5) / 2),  # the unfinished document's was not needed
        "components/tool": pytest.approx((1 + 0.5) / 2),
        "contributions/format*count": pytest.approx((0.6 + 0.3) / 3),
        "contributions/format*tool": pytest.approx((0.4 + 0.2) / 3),
        "documents/finished": pytest.approx(2 / 3),
        "pictures/delivered": 1.0,
        "pictures/count_met": pytest.approx(2 / 3),
        "tools/code/attempts": 1.0,
        "tools/code/success": 1.0,
        "tools/search/attempts": pytest.approx(1 / 3),
        "tools/search/success": 0.0,
    }
    assert columns["count"] == [1.0, 0.5, None, None]
    assert columns["unscored_because"] == [None, None, "RuntimeError: boom", None]


async def test_the_hook_gets_the_batch_and_cannot_end_the_run(make, render, caplog):
    batches = []

    def hook(batch):
        batches.append(batch)
        raise OSError("disk full")

    reward = trl_reward(presets.rules(), render=render, on_batch=hook)
    assert await call(reward, [make.tag()], trainer_state=SimpleNamespace(global_step=7)) == [1.0]
    assert "disk full" in caplog.text
    (batch,) = batches
    assert batch.step == 7
    assert batch.rows[0].score.value == 1.0
    assert len(batch.rows[0].sample.delivered) == 1
    assert batch.rows[0].row.prompt == "?"


def test_columns_may_hold_numpy_numbers():
    numpy = pytest.importorskip("numpy")
    assert RawSample("?", "Prose.", numpy.int64(-1)).constraint.count == ImageCount.none()
