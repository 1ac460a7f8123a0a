"""Image servers of every dialect over HTTP: what they are sent, what they may answer, and several of them at once."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from loopback import Loopback, Request, answer, json_answer, png

from llmi_sandbox import Drawing, ImageServer, RetryPolicy, ServedEditor, ServedGenerator, Toolkit, Web
from llmi_sandbox.errors import ProviderError
from llmi_schema import ConfigurationError

TEXT = base64.b64encode(png()).decode()
OPENAI = {"created": 1, "data": [{"b64_json": TEXT}]}
GENERATE, EDIT, ARK = "/v1/images/generations", "/v1/images/edits", "/api/v3/images/generations"


@pytest.fixture
def web(server):
    one = Web(look_up=server.look_up)
    yield one
    one.close()


def form(request: Request) -> dict[str, bytes]:
    """The fields of a multipart body."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


KNOBS = {"seed": 7, "num_inference_steps": 20, "guidance_scale": 3.0, "true_cfg_scale": 4.0, "negative_prompt": " "}
DRAWING = Drawing(size=(640, 480), steps=20, guidance=3.0, true_cfg=4.0, seed=7)


@pytest.mark.parametrize(
    ("dialect", "path", "sent"),
    [
        ("vllm", GENERATE, {"n": 1, "size": "640x480", "response_format": "b64_json", "model": "m", **KNOBS}),
        (
            "sglang",
            GENERATE,
            {
                "n": 1,
                "size": "640x480",
                "width": 640,
                "height": 480,
                "response_format": "b64_json",
                "model": "m",
                **KNOBS,
            },
        ),
        ("openai", GENERATE, {"n": 1, "size": "640x480", "model": "m"}),
        (
            "ark",
            ARK,
            {
                "model": "m",
                "size": "640x480",
                "seed": 7,
                "guidance_scale": 3.0,
                "watermark": False,
                "response_format": "b64_json",
            },
        ),
        ("published", "/generate/", {"width": 640, "height": 480, "num_inference_steps": 20, "negative_prompt": " "}),
    ],
)
async def test_generating(server, web, calls, dialect, path, sent):
    server.on(path, json_answer({"status": "success", "images": [TEXT]} if dialect == "published" else OPENAI))
    address = ImageServer(server.base, dialect, model="m", key="sesame")
    result = await ServedGenerator([address], drawing=DRAWING, web=web)(calls.diffusion("a fox"), ())
    assert (result.picture.width, result.picture.height) == (320, 240)
    assert result.picture.provenance.request == "a fox"
    (request,) = server.requests
    assert request.json() == {"prompt": "a fox", **sent}
    assert request.headers["authorization"] == "Bearer sesame"
    assert "sesame" not in repr(address)


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "openai"])
async def test_editing_sends_a_form(server, web, calls, make_picture, dialect):
    server.on(EDIT, json_answer(OPENAI))
    given = make_picture()
    editor = ServedEditor([ImageServer(server.base, dialect)], drawing=Drawing(size=None, seed=7), web=web)
    result = await editor(calls.edit(0, "redder"), (given,))
    assert result.ok
    fields = form(server.requests[0])
    assert fields.pop("image") == given.png
    assert fields.pop("prompt") == b"redder"
    knobs = {"seed": b"7", "true_cfg_scale": b"4.0", "negative_prompt": b" "}
    assert {key: fields.get(key) for key in knobs} == (dict.fromkeys(knobs) if dialect == "openai" else knobs)
    assert "size" not in fields


async def test_editing_with_ark_and_the_published_server(server, web, calls, make_picture):
    server.on(ARK, json_answer(OPENAI))
    server.on("/edit/", json_answer({"status": "success", "images": [TEXT]}))
    given = make_picture()
    for dialect in ("ark", "published"):
        assert (await ServedEditor([ImageServer(server.base, dialect)], web=web)(calls.edit(0, "redder"), (given,))).ok
    ark, published = (request.json() for request in server.requests)
    assert ark["image"] == "data:image/png;base64," + base64.b64encode(given.png).decode()
    assert ark["model"].startswith("doubao-seededit")
    assert base64.b64decode(published["image_b64"]) == given.png


async def test_an_edit_keeps_the_credit_of_its_picture(server, web, calls, make_picture):
    server.on(EDIT, json_answer(OPENAI))
    given = make_picture()
    origin = given.provenance.model_copy(update={"licence": "CC BY 4.0", "attribution": "Ann"})
    given = given.model_copy(update={"provenance": origin})
    result = await ServedEditor([ImageServer(server.base, "vllm")], web=web)(calls.edit(0, "redder"), (given,))
    assert (result.picture.provenance.licence, result.picture.provenance.attribution) == ("CC BY 4.0", "Ann")


async def test_qwens_guidance_is_asked_for_and_nobody_elses(server, web, calls):
    server.on(GENERATE, json_answer(OPENAI))
    for model in (None, "Qwen/Qwen-Image", "black-forest-labs/FLUX.1-dev"):
        await ServedGenerator([ImageServer(server.base, "vllm", model)], web=web)(calls.diffusion("x"), ())
    assert [request.json().get("true_cfg_scale") for request in server.requests] == [4.0, 4.0, None]


async def test_equal_prompts_get_equal_seeds_and_others_others(server, web, calls):
    server.on(GENERATE, json_answer(OPENAI))
    generator = ServedGenerator([ImageServer(server.base, "vllm")], web=web)
    for prompt in ("a fox", "a fox", "an owl"):
        await generator(calls.diffusion(prompt), ())
    first, again, other = (request.json()["seed"] for request in server.requests)
    assert first == again != other


@pytest.mark.parametrize("mode", ["RGBA", "L", "RGB"])
async def test_pictures_come_as_links_as_data_and_in_any_mode(server, web, calls, mode):
    link = server.on("/made.png", answer(png(mode=mode)))
    data = "data:image/png;base64," + base64.b64encode(png(mode=mode)).decode()
    for url in (link.replace("pictures.test", "127.0.0.1"), "/made.png", data):
        server.on(GENERATE, json_answer({"data": [{"url": url}]}))
        result = await ServedGenerator([ImageServer(server.base, "vllm")], web=web)(calls.diffusion("x"), ())
        assert (result.picture.width, result.picture.height) == (320, 240)


async def test_a_link_to_elsewhere_inside_is_not_followed(server, web, calls):
    with Loopback() as other:
        other.on("/secret.png", answer(png()))
        for url in (f"http://localhost:{other.port}/secret.png", "http://inside.test/secret.png", "file:///etc/passwd"):
            server.on(GENERATE, json_answer({"data": [{"url": url}]}))
            with pytest.raises(ProviderError, match=r"no public address|the link's (port|scheme)"):
                await ServedGenerator([ImageServer(server.base, "vllm")], web=web)(calls.diffusion("x"), ())
        assert other.seen == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (json_answer({"error": {"message": "bad size", "code": "InvalidParameter"}}, 400), "crashed"),
        (json_answer({"error": {"message": "no", "code": "OutputImageSensitiveContentDetected"}}, 400), "refused"),
        (json_answer({"error": {"message": "wrong key"}}, 401), "unavailable"),
        (json_answer({"detail": "loading"}, 503), "unavailable"),
        (json_answer({"data": []}), "unavailable"),
        (json_answer({"data": [{"b64_json": "%%%"}]}), "unavailable"),
        (json_answer({"data": [{"b64_json": base64.b64encode(b"no picture").decode()}]}), "unavailable"),
        (json_answer({"status": "error", "detail": "out of memory"}), "unavailable"),
        (answer("<html>", kind="text/html"), "unavailable"),
        (answer(b"", 200, "application/json"), "unavailable"),
    ],
)
async def test_what_a_server_may_answer_instead(server, web, calls, reply, reason):
    server.on(GENERATE, reply)
    tool = ServedGenerator([ImageServer(server.base, "vllm")], web=web)
    toolkit = Toolkit({"diffusion": tool}, deadline_seconds=5, retry=RetryPolicy(first_delay=0.01))
    result = await toolkit.call(calls.diffusion("x"))
    assert result.reason == reason, result.message


async def test_a_server_of_unknown_dialect_is_asked_once(server, web, calls):
    server.on("/v1/models", json_answer({"data": []}))
    server.on(GENERATE, json_answer(OPENAI))
    generator = ServedGenerator([ImageServer(server.base + "/v1/")], web=web)
    for _ in range(2):
        assert (await generator(calls.diffusion("x"), ())).ok
    assert server.seen == ["GET /v1/models", f"POST {GENERATE}", f"POST {GENERATE}"]


async def test_sglang_is_recognised(server, web, calls):
    server.on("/models", json_answer({"model_path": "Qwen/Qwen-Image", "task_type": "T2I"}))
    server.on(GENERATE, json_answer(OPENAI))
    assert (await ServedGenerator([ImageServer(server.base)], web=web)(calls.diffusion("x"), ())).ok
    assert server.requests[-1].json()["width"] == 1024


async def test_a_server_of_no_known_kind_is_said(server, web, calls):
    with pytest.raises(ProviderError, match="speaks no dialect known here"):
        await ServedGenerator([ImageServer(server.base)], web=web)(calls.diffusion("x"), ())
    for path in ("/v1/models", "/models", "/info"):
        server.on(path, json_answer({"hello": "world"}))
    with pytest.raises(ProviderError, match="speaks no dialect known here"):
        await ServedGenerator([ImageServer(server.base)], web=web)(calls.diffusion("x"), ())


async def test_a_server_that_is_not_ready_is_of_no_kind_yet(server, web, calls):
    for path in ("/v1/models", "/models", "/info"):
        server.on(path, json_answer({}, 503))
    with pytest.raises(ProviderError, match="503") as caught:
        await ServedGenerator([ImageServer(server.base)], web=web)(calls.diffusion("x"), ())
    assert caught.value.transient


async def test_the_published_server_is_recognised(server, web, calls):
    server.on("/info", json_answer({"mode": "generation", "available_endpoints": ["/generate/"]}))
    server.on("/generate/", json_answer({"status": "success", "images": [TEXT]}))
    assert (await ServedGenerator([ImageServer(server.base + "/generate/")], web=web)(calls.diffusion("x"), ())).ok


async def test_the_least_loaded_server_gets_the_next_request(server, web, calls):
    released = threading.Event()  # the server has a thread of its own

    async def slow(request, writer):
        await asyncio.to_thread(released.wait, 20)
        writer.write(json_answer(OPENAI))

    with Loopback() as quick:
        server.on(GENERATE, slow)
        quick.on(GENERATE, json_answer(OPENAI))
        generator = ServedGenerator([ImageServer(one.base, "vllm") for one in (server, quick)], web=web)
        first = asyncio.create_task(generator(calls.diffusion("first"), ()))
        await asyncio.sleep(0.1)
        for i in range(6):
            await generator(calls.diffusion(f"{i}"), ())
        released.set()
        await first
        assert (len(server.seen), len(quick.seen)) == (1, 6)


async def test_work_is_spread_evenly(server, web, calls):
    with Loopback() as second, Loopback() as third:
        all_three = (server, second, third)
        for one in all_three:
            one.on(GENERATE, json_answer(OPENAI))
        generator = ServedGenerator([ImageServer(one.base, "vllm") for one in all_three], web=web)
        for i in range(9):
            await generator(calls.diffusion(f"{i}"), ())
        assert [len(one.seen) for one in all_three] == [3, 3, 3]


async def test_a_server_that_fails_is_passed_over_until_it_is_well(server, web, calls):
    with Loopback() as well:
        server.on(GENERATE, json_answer({"detail": "no GPU"}, 503))
        server.on("/health", json_answer({"status": "down"}, 503))
        well.on(GENERATE, json_answer(OPENAI))
        generator = ServedGenerator(
            [ImageServer(one.base, "vllm") for one in (server, well)], web=web, rest_seconds=0.2
        )
        for i in range(4):
            assert (await generator(calls.diffusion(f"{i}"), ())).ok, "the other one took over at once"
        assert server.seen.count(f"POST {GENERATE}") == 1
        await asyncio.sleep(0.25)
        await generator(calls.diffusion("a"), ())
        await asyncio.sleep(0.1)
        assert server.seen[-1] == "GET /health"
        assert server.seen.count(f"POST {GENERATE}") == 1
        server.on("/health", json_answer({"status": "ok"}))
        server.on(GENERATE, json_answer(OPENAI))
        await asyncio.sleep(0.25)
        for i in range(4):
            await generator(calls.diffusion(f"again {i}"), ())
            await asyncio.sleep(0.05)
        assert server.seen.count(f"POST {GENERATE}") > 1, "and then it works again"


async def test_the_only_server_is_asked_at_once_whether_it_is_back(server, web, calls):
    server.on(GENERATE, json_answer({}, 503))
    generator = ServedGenerator([ImageServer(server.base, "vllm")], web=web)
    with pytest.raises(ProviderError, match="503"):
        await generator(calls.diffusion("x"), ())
    server.on(GENERATE, json_answer(OPENAI))
    with pytest.raises(ProviderError, match="no image server is well"):
        await generator(calls.diffusion("x"), ())
    server.on("/health", json_answer({"status": "ok"}))
    assert (await generator(calls.diffusion("x"), ())).ok


async def test_when_none_is_there_the_reason_is_said(web, calls):
    generator = ServedGenerator([ImageServer("http://127.0.0.1:9", "vllm")], web=web)
    for _ in range(2):
        with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9.* cannot be reached") as caught:
            await generator(calls.diffusion("x"), ())
        assert caught.value.transient


async def test_calls_that_make_no_sense(web, calls, make_picture):
    server = [ImageServer("http://127.0.0.1:9", "vllm")]
    assert (await ServedGenerator(server, web=web)(calls.diffusion("  "), ())).reason == "bad_call"
    assert (await ServedGenerator(server, web=web)(calls.search("x"), ())).reason == "unavailable"
    assert (await ServedEditor(server, web=web)(calls.edit(0, ""), (make_picture(),))).reason == "bad_call"
    assert (await ServedEditor(server, web=web)(calls.search("x"), (make_picture(),))).reason == "unavailable"
    assert (await ServedEditor(server, web=web)(calls.edit(0, "x"), ())).reason == "missing_picture"
    for wrong in ("gpu-1:8000", "ftp://x", ""):
        with pytest.raises(ConfigurationError, match="no address"):
            ServedGenerator([ImageServer(wrong)], web=web)
    with pytest.raises(ConfigurationError, match="no image server"):
        ServedGenerator([], web=web)


def test_a_blank_picture_is_no_picture(server, calls):
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "PNG")
    server.on(GENERATE, json_answer({"data": [{"b64_json": base64.b64encode(out.getvalue()).decode()}]}))
    with Toolkit({"diffusion": ServedGenerator([ImageServer(server.base, "vllm")])}) as toolkit:
        assert asyncio.run(toolkit.call(calls.diffusion("x"))).reason == "blank"


def test_identities_tell_settings_apart():
    def identity(*servers: ImageServer, **wishes):
        return ServedGenerator(servers, drawing=Drawing(**wishes)).identity

    first = identity(ImageServer("http://a", "vllm"))
    assert identity(ImageServer("http://a", "vllm", key="x")) == first
    others = [
        identity(ImageServer("http://b", "vllm")),
        identity(ImageServer("http://a", "ark")),
        identity(ImageServer("http://a", "vllm", "m")),
        identity(ImageServer("http://a", "vllm"), seed=3),
    ]
    assert len({first, *others}) == 5
    assert json.dumps(first)
