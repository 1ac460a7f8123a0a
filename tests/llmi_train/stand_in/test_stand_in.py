"""The stand-in judge follows the bytes it receives, over HTTP, through the real judges."""

import asyncio
import io
import json
import random
import urllib.error
import urllib.request

import pytest

from llmi_reward import Sample, presets
from llmi_reward.chat import ChatClient, ChatError
from llmi_reward.judges import LLMJudge, MLLMJudge, Rubric
from llmi_sandbox import Toolkit
from llmi_schema import Constraint, ImageCount, Picture, Provenance, RenderedDocument, ToolResult, parse
from llmi_train.stand_in import MODEL, judges, running
from llmi_train.stand_in.server import answer

PROMPT = (
    "Write a few paragraphs on the lighthouse for sailors. Show it as it really is. Let us imagine the lighthouse "
    "glowing in a cave of crystal. Visitors were 120 in May, 340 in June and 90 in July: show these figures."
)


def tag(source, description, **params):
    body = {"source": source, "description": description, "params": params}
    return f"<imgen>{json.dumps(body)}</imgen>"


SEARCH = tag("search", "the real thing", query="lighthouse")
SCENE = tag("diffusion", "an imagined scene", prompt="the lighthouse glowing in a cave of crystal")
CHART = tag("code", "the figures", code="plt.bar(['May', 'June', 'July'], [120, 340, 90])")
PROSE = (
    "Three pictures follow. The lighthouse has guided sailors for a century.",
    "First, the real thing:",
    "Second, an imagined scene of the lighthouse:",
    "Third, the figures for its visitors:",
    "That is all.",
)
TEXT = f"{PROSE[0]} {PROSE[1]} {SEARCH} {PROSE[2]} {SCENE} {PROSE[3]} {CHART} {PROSE[4]}"


@pytest.fixture(scope="module")
def judge():
    with running() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def document():
    with Toolkit.offline(size=(240, 180)) as toolkit:
        rendered = asyncio.run(toolkit.render(parse(TEXT), ()))
    assert len(rendered.delivered) == 3
    return rendered


def sample(document, pictures=None, prompt=PROMPT):
    if pictures is not None:
        results = tuple(ToolResult(picture=picture) for picture in pictures)
        document = RenderedDocument(document=document.document, results=results)
    return Sample(prompt, document, Constraint(count=ImageCount.exactly(3)))


def picture(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return Picture.from_png(file.getvalue(), Provenance(tool="diffusion", provider="test"))


async def seen(judge, what):
    async with ChatClient(judge.mllm) as chat:
        return (await MLLMJudge(chat).judge(what)).details["marks"]


async def read(judge, what):
    async with ChatClient(judge.llm) as chat:
        return (await LLMJudge(chat).judge(what)).details["marks"]


async def test_fitting_pictures_get_high_marks(judge, document):
    marks = await seen(judge, sample(document))
    assert marks["quality"] >= 4
    assert marks["text_image"] == 5
    assert marks["task"] >= 4


async def test_swapped_pictures_get_lower_marks(judge, document):
    one, two, three = document.delivered
    fitting = await seen(judge, sample(document))
    for swapped in ((two, one, three), (two, three, one), (three, two, one)):
        marks = await seen(judge, sample(document, swapped))
        assert marks["text_image"] < fitting["text_image"]
        assert marks["task"] <= fitting["task"]
        assert sum(marks.values()) < sum(fitting.values())


async def test_blank_pictures_get_the_lowest_marks(judge, document):
    from PIL import Image

    blank = [picture(Image.new("RGB", (240, 180), shade)) for shade in ("white", "black", "blue")]
    assert set((await seen(judge, sample(document, blank))).values()) == {1}


async def test_noise_and_off_topic_pictures_get_lower_marks(judge, document):
    from PIL import Image

    from llmi_sandbox.tools.drawing.scenes import draw_scene

    fitting = await seen(judge, sample(document))
    noise = [picture(Image.frombytes("RGB", (240, 180), random.Random(i).randbytes(240 * 180 * 3))) for i in range(3)]
    off_topic = [picture(draw_scene(f"penguins dancing on ice {i}", (240, 180))) for i in range(3)]
    for wrong in (noise, off_topic):
        marks = await seen(judge, sample(document, wrong))
        assert marks["text_image"] <= fitting["text_image"] - 2
        assert marks["task"] <= fitting["task"] - 2


async def test_pictures_that_fit_the_text_but_not_the_request_get_lower_marks(judge, document):
    fitting = await seen(judge, sample(document))
    other = await seen(judge, sample(document, prompt="Write about the penguin. Show its egg counts: 4, 5 and 9."))
    assert other["text_image"] == fitting["text_image"]
    assert other["task"] < fitting["task"]


async def test_shuffled_text_gets_lower_marks(judge, document):
    fitting = await read(judge, sample(document))
    assert fitting["text"] >= 4
    for seed in range(10):
        words = " ".join(PROSE).split()
        random.Random(seed).shuffle(words)
        text = f"{' '.join(words)} {SEARCH} {SCENE} {CHART}"
        shuffled = RenderedDocument(document=parse(text), results=document.results)
        assert (await read(judge, sample(shuffled)))["text"] <= fitting["text"] - 2


async def test_tags_that_do_not_fit_their_words_get_lower_marks(judge, document):
    fitting = await read(judge, sample(document))
    text = f"{PROSE[0]} {PROSE[1]} {CHART} {PROSE[2]} {SEARCH} {PROSE[3]} {SCENE} {PROSE[4]}"
    moved = RenderedDocument(document=parse(text), results=document.results)
    assert (await read(judge, sample(moved)))["image"] < fitting["image"]
    foreign = TEXT.replace("lighthouse glowing in a cave of crystal", "penguin").replace('"lighthouse"', '"penguin"')
    elsewhere = RenderedDocument(document=parse(foreign), results=document.results)
    assert (await read(judge, sample(elsewhere)))["image"] < fitting["image"]


async def test_no_pictures_are_right_where_none_are_wanted(judge):
    words = RenderedDocument(document=parse("No pictures follow. That is all."), results=())
    bare = Sample("Write about bread. Words only, please.", words, Constraint(count=ImageCount.none()))
    assert (await read(judge, bare))["image"] == 5
    wanted = Sample("Write about bread with two pictures.", words, Constraint(count=ImageCount.exactly(2)))
    assert (await read(judge, wanted))["image"] < 4


async def test_edits_are_compared_with_their_original(judge):
    from llmi_sandbox.tools.drawing.scenes import draw_scene

    given = picture(draw_scene("a castle at night", (240, 180)))
    text = "Your picture changed: " + tag("edit", "your picture changed", img_index=0, prompt="flip")
    prompt = "Write about castles. The attached picture should appear mirrored from left to right."

    async def marked(result):
        made = RenderedDocument(document=parse(text, 1), results=(ToolResult(picture=result),), inputs=(given,))
        return await seen(judge, Sample(prompt, made, Constraint(count=ImageCount.exactly(1))))

    with Toolkit.offline(size=(240, 180)) as toolkit:
        made = await toolkit.render(parse(text, 1), (given,))
    right = await marked(made.delivered[0])
    wrong = await marked(picture(draw_scene("a fox in the snow", (240, 180))))
    assert right["text_image"] == right["task"] == 5
    assert wrong["text_image"] < 4
    assert wrong["task"] < 4


async def test_it_scores_the_papers_reward_and_says_what_it_is(judge, document):
    async with ChatClient(judge.llm) as llm, ChatClient(judge.mllm) as mllm:
        score = await presets.llmi(llm, mllm)(sample(document))
    assert score.value > 0.85
    assert all(reason.startswith("stand-in: ") for reason in score.details["mllm"]["reasons"].values())


async def test_a_real_judge_is_a_flag_away(document, monkeypatch):
    with judges() as (llm, mllm):
        score = await presets.llmi(llm, mllm)(sample(document))
        assert score.value > 0.85
        await llm.aclose()
        await mllm.aclose()
    for prefix in ("LLM_JUDGE", "MLLM_JUDGE"):
        monkeypatch.setenv(f"{prefix}_BASE_URL", "http://judges.example/v1")
        monkeypatch.setenv(f"{prefix}_MODEL_NAME", "a model")
    with judges(real=True, concurrency=3) as (llm, mllm):
        assert repr(llm) == repr(mllm) == "ChatClient('a model' at http://judges.example/v1)"
        assert llm.concurrency == 3


async def test_recipes_find_it_through_the_published_variables(judge, document, monkeypatch):
    for name, value in judge.environment.items():
        monkeypatch.setenv(name, value)
    assert (await presets.llmi_tools()(sample(document))).value > 0.85


async def test_what_it_cannot_judge_it_refuses(judge, document):
    own = Rubric("tone", 1, "Judge.", (Rubric.shipped("llm").weighted(text=1).criteria[0].__class__("warmth", "?"),))
    async with ChatClient(judge.llm) as chat:
        score = await LLMJudge(chat, own).judge(sample(document))
        assert score.value is None
        assert "warmth" in score.reason
        with pytest.raises(ChatError, match="stand-in"):
            await chat.ask("Is this good?")


def asked(user, system="[[ab rubric]]", criteria=("text", "image", "quality", "text_image", "task")):
    schema = {"json_schema": {"schema": {"properties": {name: {} for name in criteria}}}}
    return {"messages": [{"content": system}, {"content": user}], "response_format": schema}


PNG = "data:image/png;base64,"


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        [],
        {},
        {"messages": "x"},
        asked(5),
        asked("x", system=7),
        asked("x", system="no rubric"),
        asked([5]),
        asked([{"type": "image_url", "image_url": {"url": "http://host/x.png"}}]),
        asked([{"type": "image_url", "image_url": {"url": PNG + "!"}}]),
        asked("x", criteria=("warmth",)),
    ],
)
def test_what_is_no_judges_request_is_answered_with_400(body):
    data = body if isinstance(body, str) else json.dumps(body)
    status, said = answer("POST /v1/chat/completions HTTP/1.1", data.encode())
    assert status == "400 Bad Request"
    assert "stand-in" in said["error"]["message"]


@pytest.mark.parametrize(
    "user",
    [
        "",
        "[[ab answer]]",
        "[[ab answer]][[ab picture 0: stands here]]",
        "[[ab picture 0, as it was asked for]]",
        "[[ab answer]][[ab picture 0, as it was asked for]]not json[[ab end of picture 0, as it was asked for]]",
        '[[ab answer]][[ab picture 0, as it was asked for]]{"source": "edit", "params": 5}',
        [
            {"type": "text", "text": "[[ab answer]][[ab picture 0: stands here]]"},
            {"type": "image_url", "image_url": {"url": PNG + "AAAA"}},
        ],
    ],
)
def test_odd_requests_get_low_marks_and_no_error(user):
    status, said = answer("POST /v1/chat/completions HTTP/1.1", json.dumps(asked(user)).encode())
    assert status == "200 OK"
    found = json.loads(said["choices"][0]["message"]["content"])
    assert {found[name]["score"] for name in ("text", "quality", "text_image", "task")} == {1}


def test_it_says_that_it_is_a_stand_in(judge):
    with urllib.request.urlopen(judge.base_url + "/models") as reply:
        assert json.load(reply)["data"][0]["id"] == MODEL
    with urllib.request.urlopen(judge.base_url.removesuffix("/v1") + "/health") as reply:
        assert "no model" in json.load(reply)["notice"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(judge.base_url + "/embeddings")
