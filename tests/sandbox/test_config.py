"""`Toolkit.from_env` and `Toolkit.from_file`: names, sections, and errors one can act on."""

import json
from pathlib import Path

import pytest
from loopback import answer, json_answer, png

from llmi_sandbox import Fallback, LocalSearch, OfflineEditor, ServedEditor, ServedGenerator, Toolkit, WebSearch
from llmi_sandbox.config import settings_from_env, settings_from_file
from llmi_sandbox.tools.pipelines import PipelineEditor
from llmi_schema import ConfigurationError


def test_the_published_names(tmp_path, make_picture):
    env = {
        "SERP_API_KEY": "s3cret",
        "ARK_API_KEY": "ark-s3cret",
        "QWEN_IMAGE_SERVER_URL": "http://gpu-1:8000/, http://gpu-2:8000/generate/",
        "PATH": "/bin",
    }
    settings = settings_from_env(env)
    assert [provider.kind for provider in settings.search.providers] == ["serpapi", "openverse", "commons"]
    assert [server.url for server in settings.diffusion.servers] == [
        "http://gpu-1:8000/",
        "http://gpu-2:8000/generate/",
    ]
    assert [(server.dialect, server.secret()) for server in settings.edit.servers] == [("ark", "ark-s3cret")]
    assert "s3cret" not in repr(settings)
    with Toolkit.from_env(env) as toolkit:
        assert list(toolkit.tools) == ["search", "diffusion", "edit", "code"]
        assert isinstance(toolkit.tools["search"], Fallback)
        assert isinstance(toolkit.tools["diffusion"], ServedGenerator)
        assert isinstance(toolkit.tools["edit"], ServedEditor)
        assert "s3cret" not in repr(vars(toolkit.tools["search"])) + toolkit.tools["search"].identity


def test_an_empty_environment_still_searches_and_plots():
    with Toolkit.from_env({"ARK_API_KEY": ""}) as toolkit:
        assert list(toolkit.tools) == ["search", "code"]


def test_the_environment_is_read_when_asked(monkeypatch, tmp_path, make_picture):
    (tmp_path / "a.png").write_bytes(make_picture().png)
    (tmp_path / "a.txt").write_text("a blue square")
    monkeypatch.setenv("LLMI_SEARCH_FOLDER", str(tmp_path))
    monkeypatch.setenv("LLMI_TOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QWEN_EDIT_SERVER_URL", "http://gpu-3:8000")
    monkeypatch.setenv("LLMI_IMAGE_API_KEY", "key")
    settings = settings_from_env()
    assert settings.search.providers[0].path == tmp_path
    assert settings.edit.servers[0].secret() == "key"
    assert settings.cache == tmp_path / "cache"


TOML = """
cache = "answers"

[search]
providers = [{kind = "folder", path = "pictures"}, {kind = "gallery"}]

[diffusion]
servers = [{url = "SERVER", dialect = "vllm", key_env = "MY_KEY"}]
drawing = {size = [640, 480], steps = 9}

[edit]
offline = true

[code]
workers = 1

[limits.diffusion]
deadline_seconds = 7
concurrency = 3
attempts = 1
cache = false

[network]
trusted = ["store.internal"]
rates = {"store.internal" = 0.5}
"""


@pytest.fixture
def folder(tmp_path, make_picture, monkeypatch) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(make_picture("red").png)
    (tmp_path / "pictures" / "a.txt").write_text("a crimson square")
    monkeypatch.setenv("MY_KEY", "sesame")
    return tmp_path


async def test_a_file_describes_a_toolkit_that_works(folder, server, calls):
    import base64

    server.on("/v1/images/generations", json_answer({"data": [{"b64_json": base64.b64encode(png()).decode()}]}))
    (folder / "tools.toml").write_text(TOML.replace("SERVER", server.base))
    text = calls.search("red square").to_tag() + calls.search("a lighthouse").to_tag()
    text += calls.diffusion("a fox").to_tag() + calls.edit(0, "make it black and white").to_tag()
    async with Toolkit.from_file(folder / "tools.toml") as toolkit:
        rendered = await toolkit.render(text)
        again = await toolkit.render(text)
        assert isinstance(toolkit.tools["edit"], OfflineEditor)
    assert [result.message for result in rendered.results] == [""] * 4
    assert [result.picture.provenance.provider for result in rendered.results[:2]] == [
        "local folder pictures",
        "offline gallery",
    ]
    sent = server.requests[0]
    assert (sent.json()["size"], sent.json()["num_inference_steps"]) == ("640x480", 9)
    assert sent.headers["authorization"] == "Bearer sesame"
    assert [result.cached for result in again.results] == [True, True, False, True]
    assert list((folder / "answers").rglob("*.json")), "relative paths start at the file's folder"


def test_json_and_yaml_say_the_same(folder):
    pytest.importorskip("yaml")
    value = {"search": {"providers": [{"kind": "gallery"}]}, "edit": {"pipeline": {"model": "Qwen/Qwen-Image-Edit"}}}
    (folder / "a.json").write_text(json.dumps(value))
    (folder / "a.yaml").write_text(
        "search: {providers: [{kind: gallery}]}\nedit: {pipeline: {model: Qwen/Qwen-Image-Edit}}\n"
    )
    assert settings_from_file(folder / "a.json") == settings_from_file(folder / "a.yaml")
    with Toolkit.from_file(folder / "a.yaml") as toolkit:
        assert isinstance(toolkit.tools["search"], LocalSearch)
        assert isinstance(toolkit.tools["edit"], PipelineEditor), "the model is loaded with the first edit"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[serch]", "serch"),
        ("[search]\nproviders = []", r"search\.providers"),
        ("[search]\nproviders = [{kind = 'google'}]", "google"),
        ("[search]\nproviders = [{kind = 'serpapi'}]", "needs a key"),
        ("[search]\nproviders = [{kind = 'serpapi', key_env = 'NOT_SET_ANYWHERE'}]", "NOT_SET_ANYWHERE is not set"),
        ("[search]\nproviders = [{kind = 'folder', path = 'nowhere'}]", "is no folder"),
        ("[diffusion]\n", "one of `servers`"),
        ("[diffusion]\noffline = true\nservers = [{url = 'http://x'}]", "one of `servers`"),
        ("[diffusion]\nservers = [{url = 'x'}]", "no address of an image server"),
        ("[diffusion]\noffline = true\ndrawing = {colour = 1}", "there are size"),
        ("[diffusion]\noffline = true\ndrawing = {size = 'large'}", r"diffusion\.drawing\.size"),
        ("[limits.diffusion]\nconcurrency = 1", "tools that are not there: diffusion"),
        ("[limits.code]\nconcurrency = 0", r"limits\.code\.concurrency"),
        ("[", "cannot be understood"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    (tmp_path / "tools.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        Toolkit.from_file(tmp_path / "tools.toml")


def test_mistakes_in_yaml_are_named_too(tmp_path):
    pytest.importorskip("yaml")
    (tmp_path / "tools.yaml").write_text("search: {providers: [")
    with pytest.raises(ConfigurationError, match=r"tools\.yaml cannot be understood"):
        settings_from_file(tmp_path / "tools.yaml")


async def test_offline_pictures_have_the_size_that_is_asked_for(tmp_path, calls):
    (tmp_path / "tools.toml").write_text("[diffusion]\noffline = true\ndrawing = {size = [200, 100]}\n")
    async with Toolkit.from_file(tmp_path / "tools.toml") as toolkit:
        picture = (await toolkit.call(calls.diffusion("a fox"))).picture
    assert (picture.width, picture.height) == (200, 100)


def test_a_dataset_is_searched(tmp_path, make_picture):
    pytest.importorskip("datasets")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(make_picture("red").png)
    (tmp_path / "pictures" / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "a red fox"}\n')
    (tmp_path / "tools.toml").write_text(
        f"[search]\nproviders = [{{kind = 'dataset', path = '{tmp_path / 'pictures'}', caption = 'text'}}]\n"
    )
    with Toolkit.from_file(tmp_path / "tools.toml") as toolkit:
        assert [match.caption for match in toolkit.tools["search"].find("fox")] == ["a red fox"]


def test_files_that_cannot_be_read(tmp_path):
    for name, says in (("none.toml", "cannot be read"), ("tools.ini", "in a .toml, .json or .yaml file")):
        if name.endswith("ini"):
            (tmp_path / name).write_text("")
        with pytest.raises(ConfigurationError, match=says):
            Toolkit.from_file(tmp_path / name)


async def test_search_goes_through_the_networks_own_settings(server, calls, tmp_path):
    link = f"http://127.0.0.1:{server.port}/fox.png"
    server.on("/fox.png", answer(png()))
    server.on("/v1/images/", json_answer({"results": [{"url": link}]}))
    search = f"[search]\nproviders = [{{kind = 'openverse', base = '{server.base}'}}]\n"
    for more, ok in (("", False), ("[network]\ntrusted = ['127.0.0.1']", True)):
        (tmp_path / "tools.toml").write_text(search + more)
        async with Toolkit.from_file(tmp_path / "tools.toml") as toolkit:
            assert isinstance(toolkit.tools["search"], WebSearch)
            assert (await toolkit.call(calls.search("fox"))).ok == ok
