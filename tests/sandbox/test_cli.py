"""`llmi-sandbox`: what it writes, what it says, and its exit status."""

import subprocess
import sys

import pytest
from loopback import json_answer
from typer.testing import CliRunner

from llmi_sandbox.cli import app
from llmi_schema import Picture, Provenance

FOX = '<imgen>{"source": "search", "description": "a fox", "params": {"query": "red fox"}}</imgen>'
GREY = (
    '<imgen>{"source": "edit", "description": "grey", '
    '"params": {"img_index": 0, "prompt": "make it black and white"}}</imgen>'
)
WISH = '<imgen>{"source": "edit", "description": "no", "params": {"img_index": 0, "prompt": "remove the fox"}}</imgen>'


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *words, **more: CliRunner().invoke(app, [str(word) for word in words], **more)


def test_run_saves_the_figure(cli, tmp_path):
    (tmp_path / "plot.py").write_text("plt.bar(['a', 'b'], [3, 5])")
    result = cli("run", "plot.py", "-o", "bars.png")
    assert result.exit_code == 0, result.output
    picture = Picture.from_png((tmp_path / "bars.png").read_bytes(), Provenance(tool="code", provider="test"))
    assert f"bars.png: {picture.width} x {picture.height} pixels" in result.output


def test_run_shows_what_the_snippet_printed_and_draws_as_fine_as_asked(cli, tmp_path):
    (tmp_path / "plot.py").write_text("print('seven'); plt.figure(figsize=(2, 1)); plt.plot([1, 2])")
    result = cli("run", "plot.py", "--dpi", "50")
    assert result.exit_code == 0, result.output
    assert result.stdout == "seven\n"
    assert "100 x 50 pixels" in result.stderr


def test_run_reads_standard_input_and_reports_a_failing_snippet(cli, tmp_path):
    result = cli("run", "-", input="import math\nplt.plot([1])\nraise ValueError('[bold]no[/] data')")
    assert result.exit_code == 1
    assert "exception" in result.output
    assert "[bold]no[/] data" in result.output, "markup in a message is only text"
    assert not (tmp_path / "plot.png").exists()


def test_render_writes_one_page(cli, tmp_path):
    (tmp_path / "doc.txt").write_text(f"# Foxes\n\nOne. {FOX}\n\nAgain. {GREY}\n")
    result = cli("render", "doc.txt", "-o", "out.html", "--prompt", "Tell me of foxes")
    assert result.exit_code == 0, result.output
    assert "out.html: 2 of 2 pictures" in result.output
    html = (tmp_path / "out.html").read_text()
    assert html.count("data:image/png;base64,") == 2
    assert "offline gallery" in html
    assert "Tell me of foxes" in html


def test_render_edits_the_users_pictures_and_names_what_failed(cli, tmp_path, make_picture):
    (tmp_path / "mine.png").write_bytes(make_picture("red").png)
    (tmp_path / "doc.txt").write_text(f"{GREY}\n{WISH}\n<imgen>nonsense</imgen>")
    result = cli("render", "doc.txt", "--image", "mine.png")
    assert result.exit_code == 0, result.output
    assert "document.html: 1 of 3 pictures" in result.output
    assert "picture 2: refused: " in result.output
    assert "picture 3: bad_call: " in result.output


def test_render_searches_a_folder(cli, tmp_path, make_picture):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.png").write_bytes(make_picture("red").png)
    (tmp_path / "own" / "x.txt").write_text("red fox")
    (tmp_path / "doc.txt").write_text(FOX)
    assert "1 of 1 pictures" in cli("render", "doc.txt", "--search", "own").output
    assert "local folder own" in (tmp_path / "document.html").read_text()


def test_render_with_tools_from_a_file_and_as_markdown(cli, tmp_path):
    (tmp_path / "tools.toml").write_text("[search]\nproviders = [{kind = 'gallery'}]\n")
    (tmp_path / "doc.txt").write_text(f"# Foxes\n\nOne. {FOX}\n\nAgain. {GREY}\n")
    result = cli("render", "doc.txt", "--tools", "tools.toml", "-o", "out.md")
    assert result.exit_code == 0, result.output
    assert "out.md: 1 of 2 pictures" in result.output
    assert "no edit tool is configured" in result.output
    assert "](out-0.png)" in (tmp_path / "out.md").read_text()
    assert (tmp_path / "out-0.png").exists()
    for wrong in (["--tools", "none.toml"], ["--tools", "env", "--search", "x"]):
        assert cli("render", "doc.txt", *wrong).exit_code == 2


def test_doctor_tries_everything(cli):
    result = cli("doctor")
    assert result.exit_code == 0, result.output
    assert "code sandbox: Snippets are" in result.output
    for layer in ("namespaces", "landlock: ABI", "seccomp", "limits"):
        assert f"  {layer}" in result.output
    for tool in ("search", "diffusion", "code", "edit"):
        assert tool in result.output
    assert result.output.count("ok in") == 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "nowhere.py"), "nowhere.py: No such file"),
        (("render", "nowhere.txt"), "nowhere.txt: No such file"),
        (("render", "doc.txt", "--image", "doc.txt"), "doc.txt: the bytes are no picture"),
        (("render", "doc.txt", "--tools", "ofline"), "--tools ofline: neither offline nor env nor a file"),
        (("render", "doc.txt", "--tools", "no.toml"), "no.toml cannot be read: No such file or directory"),
        (("render", "doc.txt", "--tools", "wrong.toml"), "wrong.toml: serch: there is no such setting"),
        (("render", "doc.txt", "-o", "page.pdf"), "page.pdf: give it a name that ends in .html or .md"),
        (("run", "doc.txt", "-o", "plot.jpg"), "plot.jpg: give it a name that ends in .png"),
        (("images", "generate", "a fox", "-o", "fox.jpg"), "fox.jpg: give it a name that ends in .png"),
        (("render", "doc.txt", "--search", "nowhere"), "nowhere is no folder"),
        (("render", "doc.txt", "-o", "no/such/folder.html"), "No such file"),
        (("run", "latin.py"), "latin.py: not UTF-8 text"),
    ],
)
def test_errors_are_one_clear_line(cli, tmp_path, words, says):
    (tmp_path / "doc.txt").write_text("text")
    (tmp_path / "wrong.toml").write_text("[serch]\nx = 1\n")
    (tmp_path / "latin.py").write_bytes("plt.title('\xe9')".encode("latin-1"))
    result = cli(*words)
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert says in result.output
    assert "Traceback" not in result.output


def test_no_server_is_started_that_could_load_no_model(cli, monkeypatch):
    from llmi_sandbox.server import run

    monkeypatch.setattr(run, "find_spec", {"torch": "there"}.get)
    monkeypatch.setattr(run, "Pool", None)
    result = cli("serve", "Qwen/Qwen-Image")
    assert result.exit_code == 3
    assert result.output == "error: serving needs diffusers: pip install 'llmi-sandbox[serve]'\n"


def test_a_machine_without_isolation_has_its_own_status(cli, tmp_path, monkeypatch):
    from llmi_sandbox import CodeSandbox, SandboxUnavailableError

    def refuse(self):
        raise SandboxUnavailableError("This machine cannot isolate snippets, or pass unsafe=True")

    monkeypatch.setattr(CodeSandbox, "start", refuse)
    (tmp_path / "plot.py").write_text("plt.plot([1])")
    result = cli("run", "plot.py")
    assert result.exit_code == 3
    assert "cannot isolate snippets, or pass --unsafe" in result.output


def test_help_and_version_load_nothing_heavy(cli):
    assert cli("--version").output.startswith("llmi-sandbox ")
    code = """
import sys
from llmi_sandbox.cli import app
heavy = {"matplotlib", "pandas", "numpy", "seaborn", "torch", "jinja2"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_snippet_that_draws_nothing_has_nothing_more_to_say(cli, tmp_path):
    (tmp_path / "plot.py").write_text("pass")
    result = cli("run", "plot.py")
    assert result.exit_code == 1
    assert result.output == "no_figure: the snippet drew no figure\n"


def test_doctor_says_which_tool_fails(cli, monkeypatch):
    def fail(*_, **__):
        raise OSError("no ink")

    monkeypatch.setattr("llmi_sandbox.tools.generate.draw_scene", fail)
    result = cli("doctor")
    assert result.exit_code == 1
    assert "diffusion: " in result.output
    assert "no ink" in result.output


def test_images_asks_what_the_server_knows(cli, server):
    server.on("/info", json_answer({"mode": "generation"}))
    result = cli("images", "info", "-s", server.base)
    assert (result.exit_code, '"mode": "generation"' in result.output) == (0, True)
    server.on("/v1/models", json_answer({}, 503))
    assert cli("images", "info", "-s", server.base).exit_code == 1
    assert server.seen[-1] == "GET /v1/models", "one that is busy is not asked for what it may not have"


def test_images_says_why_there_is_none(cli, server, tmp_path):
    server.on("/v1/models", json_answer({"data": [{"id": "m", "owned_by": "llmi-sandbox"}]}))
    result = cli("images", "generate", "a fox", "-s", server.base)
    assert result.exit_code == 1
    assert not (tmp_path / "picture.png").exists()
    assert cli("images", "generate", "a fox", "-s", server.base, "--size", "large").exit_code == 2


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "llmi_sandbox", "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("llmi-sandbox ")
