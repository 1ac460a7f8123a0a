"""`OfflineEditor`: what it understands, what it does to the pixels, and what it refuses."""

import io

import pytest
from PIL import Image, ImageStat

from llmi_sandbox import OfflineEditor, decode, encode
from llmi_sandbox.tools.edit import plan
from llmi_sandbox.tools.edit_rules import RULES
from llmi_schema import Picture, Provenance

UNDERSTOOD = {
    "make it black and white": ["black and white"],
    "Convert the photo of the lighthouse to grayscale.": ["black and white"],
    "turn this into a monochrome image": ["black and white"],
    "Make it black and white, then add a thin white border": ["black and white", "add a border or frame"],
    "crop to a square and rotate 90 degrees": ["crop", "rotate"],
    "apply a sepia tone": ["sepia"],
    "make it look like an old photograph": ["sepia"],
    "Rotate the image 45 degrees to the left": ["rotate"],
    "turn it upside down": ["rotate"],
    "flip horizontally": ["flip or mirror"],
    "mirror the picture and brighten it slightly": ["flip or mirror", "brighten"],
    "increase the brightness by 20%": ["brighten"],
    "reduce the brightness": ["darken"],
    "make it a bit darker": ["darken"],
    "blur it strongly": ["blur"],
    "sharpen the details": ["sharpen"],
    "make the colours warmer": ["warmer"],
    "give it a cooler look": ["cooler"],
    "add a dark red frame": ["add a border or frame"],
    "add a thin blue border around the image": ["add a border or frame"],
    'add the caption "Dark and warm nights, 1923"': ["add a caption (the text in quotes)"],
    "write 'Hello' at the top": ["add a caption (the text in quotes)"],
    "make it smaller": ["resize"],
    "resize to 120x90": ["resize"],
    "invert the colours": ["invert"],
    "increase the contrast and make the colours more vivid": ["contrast", "saturation"],
    "give it a blue tint": ["tint with a colour"],
    "tint it orange": ["tint with a colour"],
    "turn it into a pencil sketch": ["pencil sketch"],
    "pixelate it": ["pixelate"],
    "add a vignette": ["vignette"],
    "posterize": ["posterise"],
}

REFUSED = [
    "remove the person on the left",
    "replace the sky with a darker one",
    "brighten the image and remove the car",
    "blur the background",
    "crop the image to focus on the lighthouse",
    "draw a red circle around the highest peak",
    "make it black and white except the apple",
    "add a cat wearing a red hat",
    "make the owl smile",
    "change the season to winter",
    "make his hair darker",
    "make it better",
    "add a caption",  # without saying which
    "",
    "...",
    "!?" * 5000,
]


@pytest.fixture
def picture() -> Picture:
    """Red above left, green above right, blue below left, white below right."""
    image = Image.new("RGB", (160, 120), "white")
    image.paste("#c03030", (0, 0, 82, 61))
    image.paste("#30a040", (82, 0, 160, 61))
    image.paste("#3040b0", (0, 61, 82, 120))
    credit = Provenance(
        tool="search", provider="somewhere", licence="CC BY 4.0", attribution="Ann", source_url="https://example.org"
    )
    return encode(image, credit)


@pytest.fixture
def edit(calls, picture):
    async def run(prompt: str):
        return await OfflineEditor()(calls.edit(0, prompt), [picture])

    return run


def colour_at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    return image.getpixel((round(x * (image.width - 1)), round(y * (image.height - 1))))


@pytest.mark.parametrize("prompt", UNDERSTOOD)
async def test_an_understood_instruction_changes_the_picture(edit, picture, prompt):
    steps = plan(prompt)
    assert [rule.name for rule, _ in steps] == UNDERSTOOD[prompt]
    result = await edit(prompt)
    assert result.ok, result.message
    assert result.picture.sha256 != picture.sha256


def test_every_rule_is_tried():
    assert {name for names in UNDERSTOOD.values() for name in names} == {rule.name for rule in RULES}


@pytest.mark.parametrize("prompt", REFUSED)
async def test_everything_else_is_refused_with_what_is_possible(edit, prompt):
    result = await edit(prompt)
    assert result.reason == "refused"
    assert "it can: add a caption" in result.message


async def test_the_refusal_names_the_part_that_was_not_understood(edit):
    result = await edit("brighten it, then remove the car")
    assert "'remove the car'" in result.message
    assert "brighten it" not in result.message


async def test_the_credit_of_the_original_stays(edit):
    provenance = (await edit("make it black and white")).picture.provenance
    assert provenance.tool == "edit"
    assert provenance.provider.startswith("offline editor")
    assert provenance.request == "make it black and white"
    assert (provenance.licence, provenance.attribution, provenance.source_url) == (
        "CC BY 4.0",
        "Ann",
        "https://example.org",
    )


async def test_grey_is_grey(edit):
    image = decode((await edit("black and white")).picture.png)
    assert all(len(set(colour_at(image, x, y))) == 1 for x in (0.2, 0.8) for y in (0.2, 0.8))


async def test_turns_go_the_right_way(edit):
    image = decode((await edit("rotate 90 degrees clockwise")).picture.png)
    assert image.size == (120, 160)
    assert (
        colour_at(image, 0.9, 0.1)[0] > 150 > colour_at(image, 0.9, 0.1)[1]
    )  # red went from upper left to upper right
    assert colour_at(decode((await edit("rotate it to the left")).picture.png), 0.1, 0.9)[0] > 150
    assert colour_at(decode((await edit("turn it upside down")).picture.png), 0.9, 0.9)[0] > 150


async def test_mirrors_go_the_right_way(edit):
    assert colour_at(decode((await edit("flip it horizontally")).picture.png), 0.1, 0.1)[1] > 150  # green
    assert colour_at(decode((await edit("flip it vertically")).picture.png), 0.1, 0.1)[2] > 150  # blue


async def test_brightness_goes_the_right_way_and_by_degrees(edit, picture):
    async def mean(prompt: str) -> float:
        return sum(ImageStat.Stat(decode((await edit(prompt)).picture.png)).mean)

    original = sum(ImageStat.Stat(decode(picture.png)).mean)
    slightly, plainly = await mean("brighten it slightly"), await mean("brighten it")
    assert original < slightly < plainly
    assert await mean("make it much darker") < await mean("make it darker") < original


async def test_warmer_and_cooler_shift_red_against_blue(edit):
    async def red_over_blue(prompt: str) -> float:
        red, _, blue = ImageStat.Stat(decode((await edit(prompt)).picture.png)).mean
        return red / blue

    assert await red_over_blue("make it warmer") > await red_over_blue("make it cooler")


@pytest.mark.parametrize(
    ("prompt", "size"),
    [
        ("crop to a square", (120, 120)),
        ("crop the left half", (80, 120)),
        ("crop to the top third", (160, 40)),
        ("crop the right half", (80, 120)),
        ("crop to the bottom third", (160, 40)),
        ("crop it by 50%", (80, 60)),
        ("make it half the size", (80, 60)),
        ("resize it to 200 x 100", (200, 100)),
        ("scale it to 50%", (80, 60)),
        ("make it 50% larger", (240, 180)),
        ("make it 25% smaller", (120, 90)),
        ("make it twice the size", (320, 240)),
        ("resize to 99999x99999", (2048, 2048)),
        ("add a border", (170, 130)),
    ],
)
async def test_sizes(edit, prompt, size):
    picture = (await edit(prompt)).picture
    assert (picture.width, picture.height) == size


async def test_a_frame_has_the_colour_asked_for(edit):
    image = decode((await edit("make it black and white and add a thick red frame")).picture.png)
    assert colour_at(image, 0, 0) == (255, 0, 0)
    assert len(set(colour_at(image, 0.3, 0.3))) == 1


async def test_a_caption_is_set_below_or_above(edit, picture):
    below = decode((await edit('add the caption "Nördlich – Ωμέγα"')).picture.png)
    assert below.height > picture.height
    strip = below.crop((0, picture.height, below.width, below.height))
    assert strip.convert("L").getextrema()[0] < 80, "there are letters in it"
    above = decode((await edit('add the title "North"')).picture.png)
    assert colour_at(above, 0.5, 0) == (255, 255, 255)
    assert colour_at(above, 0.9, 0.99) == (255, 255, 255)


async def test_very_long_captions_and_tiny_pictures_work(calls):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((3, 2)).save(file, "PNG")
    tiny = Picture.from_png(file.getvalue(), Provenance(tool="input", provider="user"))
    for prompt in (*UNDERSTOOD, f'add the caption "{"word " * 500}"'):
        result = await OfflineEditor()(calls.edit(0, prompt), [tiny])
        assert result.ok or result.reason == "blank", (prompt, result.message)


async def test_what_shows_nothing_is_blank(calls):
    dark = encode(Image.linear_gradient("L").point(lambda v: v // 40), Provenance(tool="input", provider="user"))
    assert (await OfflineEditor()(calls.edit(0, "darken it very strongly"), [dark])).reason == "blank"


async def test_calls_it_cannot_answer(calls, picture):
    assert (await OfflineEditor()(calls.search("x"), [])).reason == "unavailable"
    assert (await OfflineEditor()(calls.edit(0, "blur"), [])).reason == "missing_picture"
