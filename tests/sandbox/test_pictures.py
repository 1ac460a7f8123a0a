"""Pixels in, pictures out; hostile bytes in, a reason out."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from llmi_sandbox.errors import PictureError
from llmi_sandbox.pictures import PictureLimits, decode, encode, from_bytes, is_blank
from llmi_sandbox.png import to_png
from llmi_schema import Provenance

HERE = Provenance(tool="search", provider="test")


def noise(mode="RGB", size=(40, 30)):
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze(), mode)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(image):
    return np.asarray(image.convert("RGB"))


def test_encode_keeps_every_pixel_and_size():
    picture = encode(noise(), HERE)
    assert (picture.width, picture.height) == (40, 30)
    assert (pixels(Image.open(io.BytesIO(picture.png))) == pixels(noise())).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "LA"])
def test_equal_pixels_have_equal_bytes_whatever_the_mode(mode):
    grey = noise("L")
    image = grey.convert(mode)
    assert encode(image, HERE).png == encode(image.convert("RGB"), HERE).png


def test_metadata_does_not_reach_the_picture():
    plain = from_bytes(saved(noise()), HERE)
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    decorated = from_bytes(saved(noise(), dpi=(300, 300), exif=exif, icc_profile=b"x" * 200), HERE)
    assert decorated.png == plain.png
    assert b"secret" not in decorated.png


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    flat = decode(encode(image, HERE).png)
    assert [flat.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 0, 0)]


def test_sixteen_bit_greys_keep_their_shades():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    shades = pixels(decode(saved(Image.fromarray(ramp))))[..., 0].ravel()
    assert shades[0] == 0
    assert shades[-1] == 255
    assert len(set(shades)) > 250


def test_a_photograph_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(saved(noise(), "JPEG", exif=exif)).size == (30, 40)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_the_usual_formats_are_decoded(kind):
    assert decode(saved(noise(), kind)).size == (40, 30)


def test_the_first_frame_of_an_animation_is_taken():
    data = saved(Image.new("L", (8, 8), 10), "GIF", save_all=True, append_images=[Image.new("L", (8, 8), 200)])
    assert decode(data).getpixel((0, 0)) == (10, 10, 10)


def bomb(width, height):
    """A PNG whose header promises a huge picture."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg/>", "not_a_picture"),
        (b"\x89PNG\r\n\x1a\n", "not_a_picture"),
        (saved(noise())[:-200], "damaged"),
        (saved(noise(), "JPEG")[:300], "not_a_picture"),
        (saved(noise(), "TIFF"), "not_a_picture"),
        (bomb(9000, 9000), "too_large"),
        (bomb(60_000, 60_000), "too_large"),
        (bomb(40_000, 2), "too_large"),
        (bytes(2_000_000), "too_large"),
    ],
)
def test_bad_bytes_give_a_reason(data, reason):
    with pytest.raises(PictureError) as caught:
        decode(data, limits=PictureLimits(bytes=1_000_000))
    assert caught.value.reason == reason
    assert str(caught.value)


def test_every_cut_and_every_flipped_byte_is_a_picture_or_a_reason():
    whole = saved(noise(size=(9, 7)))
    broken = [whole[:length] for length in range(len(whole))]
    broken += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    for data in broken:
        try:
            assert decode(data).mode == "RGB"
        except PictureError:
            continue


def test_blank_is_one_shade_give_or_take():
    white = Image.new("RGB", (640, 480), "white")
    assert is_blank(white)
    assert is_blank(Image.new("RGBA", (640, 480), (0, 0, 0, 0)))
    white.putpixel((5, 5), (0, 0, 0))
    assert is_blank(white)
    assert is_blank(decode(saved(Image.new("RGB", (64, 64), (120, 130, 140)), "JPEG", quality=30)))


def test_a_thin_line_or_a_faint_ramp_is_not_blank():
    line = Image.new("RGB", (640, 480), "white")
    for x in range(200):
        line.putpixel((x, 240), (90, 90, 90))
    assert not is_blank(line)
    assert not is_blank(Image.linear_gradient("L"))
    assert not is_blank(noise())


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 7), (64, 48)])
def test_png_holds_every_pixel_and_is_no_larger_than_need_be(size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    written = to_png(Image.fromarray(pixels))
    with Image.open(io.BytesIO(written)) as image:
        assert (image.mode, image.info) == ("RGB", {})
        assert (np.asarray(image) == pixels).all()
