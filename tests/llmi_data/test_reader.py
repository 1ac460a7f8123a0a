"""The offline reader on prompts written by hand: it must know English, not the generator's sentences."""

import ast
from pathlib import Path

import pytest

import llmi_data.validation
from llmi_data import Message, OfflineReader, Question, UnclearError, tool_namings
from llmi_data.offline.drawings import draw


def read(text, pictures=()):
    return OfflineReader().read(Question(messages=(Message(role="user", content=text),), pictures=pictures))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Tell me about tides. No images whatsoever.", -1),
        ("Tell me about tides, in prose only.", -1),
        ("Tell me about tides and don't include any photos.", -1),
        ("Tell me about tides; skip the illustrations.", -1),
        ("Tell me about tides. Please leave all photos out.", -1),
        ("Tell me about tides.", 0),
        ("Tell me about tides. Photos are optional.", 0),
        ("Tell me about tides with as many drawings as you want.", 0),
        ("Tell me about tides. Roughly four pictures.", 0),
        ("Tell me about tides, with one clear image.", 1),
        ("Tell me about tides, with just one photo, thanks.", 1),
        ("I need a pair of drawings on tides.", 2),
        ("I need a couple of photographs of tides.", 2),
        ("I'd like three different illustrations of tides.", 3),
        ("Exactly 7 images of tides.", 7),
        ("A dozen pictures of tides.", 12),
        ("A post on tides that has at least one photo.", 99),
        ("A post on tides with one or more photographs.", 99),
        ("No fewer than one image, please.", 99),
        ("The attached picture shows 3 boats. Write about them.", 0),
    ],
)
def test_counts(text, count):
    assert read(text, (draw("boat", 0),)).image_count == count


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("Show me what the Eiffel Tower actually looks like.", ("search",)),
        ("I want to see the real Mona Lisa.", ("search",)),
        ("Show a mythical beast made of fog.", ("diffusion",)),
        ("Picture this for them: an imaginary city of soap.", ("diffusion",)),
        ("Rain was 40 mm in May, 55 in June and 80 in July; let us compare the months.", ("code",)),
        ("Sales: 12, 19, 31, 44. Make the trend plain to see.", ("code",)),
        ("Rain was 40 mm in May, 55 in June and 80 in July.", ()),
        ("Here is the photo I sent; please return the attached photo in sepia.", ("edit",)),
        ("Turn the attached image upside down.", ("edit",)),
        ("The attached image is lovely. Write a poem about it.", ()),
        ("Write a poem about rain.", ()),
    ],
)
def test_tools(text, tools):
    assert read(text, (draw("boat", 0),)).required_tools == tools


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Two pictures, please. And no images at all.", "different counts"),
        ("Words only. Readers should see what the bridge really looks like.", "no pictures and yet"),
        ("Show the attached picture in sepia.", "none is attached"),
        ("Use 250 pictures.", "no published code"),
    ],
)
def test_contradictions_are_called_unclear(text, why):
    with pytest.raises(UnclearError, match=why):
        read(text)


def test_the_validators_do_not_know_the_generator():
    for file in Path(llmi_data.validation.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert not any("offline" in n and n not in ("llmi_data.validation.offline_reader",) for n in names), file


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Search for a photo of the bridge.", "search"),
        ("Find one on the web.", "search"),
        ("Look it up and retrieve a picture.", "search"),
        ("Google the lighthouse.", "search"),
        ("Generate an image of a fox.", "diffusion"),
        ("Use Stable Diffusion for the castle.", "diffusion"),
        ("An AI picture of a castle.", "diffusion"),
        ("Make it with DALL-E.", "diffusion"),
        ("Write code that draws the sales.", "code"),
        ("Use matplotlib.", "code"),
        ("A Python figure of sales.", "code"),
        ("Give me a bar plot.", "code"),
        ("Plot the sales by month.", "code"),
        ("Edit the attached picture.", "edit"),
        ("Photoshop the hat away.", "edit"),
        ("Retouch the sky.", "edit"),
        ("Use a tool for the picture.", "any"),
        ("Put an <imgen> tag here.", "any"),
    ],
)
def test_prompts_that_name_a_tool_are_found(text, tool):
    assert tool in {naming.tool for naming in tool_namings(text)}


@pytest.mark.parametrize(
    "text",
    [
        "The second edition of the novel has a twist in its plot.",
        "Its editor praised three generations of gardeners and their vegetable plot.",
        "The dress code and the post code are on the invitation.",
        "He said it again: the rain in Spain.",
        "Readers should see what the old lighthouse really looks like today.",
    ],
)
def test_ordinary_prose_is_left_alone(text):
    assert tool_namings(text) == ()
