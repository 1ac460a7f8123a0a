"""What `publish` puts on a Hub, by the real client, and what `load_dataset` makes of it again."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from hub_client import load, python
from hub_repository import Account, RefusalError, Repository
from hub_server import Hub
from PIL import Image

from llmi_data import Plan, PublishingError, Row, RowError, RunConfig, Split, SplitError, run
from llmi_data.dataset import from_dataset
from llmi_data.dataset import load as load_split
from llmi_data.publishing import PublishConfig, preview, publish
from llmi_schema import ConfigurationError

REPO = "me/prompts"
KEY = f"datasets/{REPO}"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A finished run, offline."""
    folder = tmp_path_factory.mktemp("made") / "run"
    run(RunConfig(folder=folder, plan=Plan.demo(rows=120)))
    return folder


@pytest.fixture
def hub(monkeypatch, no_figures):
    # Both are read when the client is imported; the tests of other packages run offline in this process.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with Hub().running() as hub:
        yield hub


def push(hub: Hub, source: object, repo: str = REPO, token: str | None = None, folder: Path | None = None, **options):
    settings = PublishConfig(repo=repo, **options)
    return publish(source, settings, folder=folder, endpoint=hub.url, token=token or hub.token)


def by_id(rows) -> dict[str, Row]:
    return {row.id: row for row in rows}


def head(hub: Hub, revision: str = "main") -> dict:
    return yaml.safe_load(hub.repositories[KEY].files_at(revision)["README.md"].decode().split("---\n")[1])


def test_one_private_commit_that_loads_as_it_was(made, hub, tmp_path):
    done = push(hub, made)
    repository = hub.repositories[KEY]
    assert repository.private
    assert repository.commits == [f"Publish {done.rows} rows with llmi-data"]
    assert done.url == f"{hub.url}/{KEY}/commit/{repository.refs['main']}"
    # Data and pictures went as large files, the card as a regular one, as on the Hub.
    files = repository.at("main").files
    assert {path for path, file in files.items() if not file.large} >= {"README.md", "records/validate.json"}
    assert all(file.large for path, file in files.items() if path.endswith((".parquet", ".png")))

    loaded = load(hub, tmp_path, ("text", None), ("multimodal", None), (None, None))
    assert loaded[None, None]["train"].features == loaded["text", None]["train"].features
    split = load_split(made / "dataset")
    for side in ("train", "test"):
        again = [row for name in ("text", "multimodal") for row in from_dataset(loaded[name, None][side])]
        assert by_id(again) == by_id(getattr(split, side))
    multimodal = loaded["multimodal", None]["train"]
    assert str(multimodal.features["images"]) == "List(Image(mode=None, decode=True))"
    first = multimodal[0]
    picture = Image.open(io.BytesIO(by_id(split.train)[first["id"]].images[0]))
    assert first["images"][0].tobytes() == picture.tobytes()
    assert "images" not in loaded["text", None]["train"].column_names


def test_publishing_the_same_again_commits_nothing(made, hub):
    first = push(hub, made)
    again = push(hub, made)
    assert (again.unchanged, again.oid) == (True, first.oid)
    assert len(hub.repositories[KEY].commits) == 1


def test_other_columns_and_fewer_splits_load_after_another_push(made, hub, tmp_path):
    """A column less, a split gone and a file that is stale: the old schema must be nowhere (datasets#8608, #8367)."""
    from datasets import Dataset, Features, Value

    older = tmp_path / "older"
    push(hub, made, folder=older)
    # As an older release would have left it: another type, one column more, three files of a split.
    repository = hub.repositories[KEY]
    table = Dataset.from_dict(
        {"id": ["a"], "prompt": ["as a text"], "mood": ["calm"]},
        features=Features({"id": Value("string"), "prompt": Value("string"), "mood": Value("string")}),
    )
    from huggingface_hub import CommitOperationAdd, HfApi

    operations = []
    for number in range(3):
        path = tmp_path / f"{number}.parquet"
        table.to_parquet(path)
        operations.append(CommitOperationAdd(f"text/train-{number:05}-of-00003.parquet", path))
    card = (older / "README.md").read_text().replace("dtype: int64", "dtype: string")
    operations.append(CommitOperationAdd("README.md", card.encode()))
    HfApi(hub.url, token=hub.token).create_commit(REPO, operations, commit_message="older", repo_type="dataset")

    split = load_split(made / "dataset")
    texts = [row for row in split.train if not row.images]
    bare = tuple(row.model_copy(update={"verdict": None}) for row in texts)
    done = push(hub, Split(bare, ()))
    assert len(repository.commits) == 3
    assert set(done.deleted) >= {
        "text/train-00002-of-00003.parquet",
        "text/test-00000-of-00001.parquet",
        "multimodal/train-00000-of-00001.parquet",
        "records/validate.json",
    }
    assert not [path for path in repository.files if path.startswith("multimodal/")]
    loaded = load(hub, tmp_path, ("text", None))["text", None]
    assert list(loaded) == ["train"]
    assert by_id(from_dataset(loaded["train"])) == by_id(bare)
    assert [config["config_name"] for config in head(hub)["configs"]] == ["text"]


def test_what_is_not_ours_stays(made, hub, tmp_path):
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(hub.url, token=hub.token)
    api.create_repo(REPO, repo_type="dataset")
    theirs = {"config_name": "mine", "data_files": "mine/*.jsonl", "default": True}
    card = f"---\n{yaml.safe_dump({'license': 'mit', 'tags': ['harbours'], 'configs': [theirs]})}---\nHi\n"
    operations = [CommitOperationAdd("README.md", card.encode()), CommitOperationAdd("mine/a.jsonl", b'{"a": 1}\n')]
    api.create_commit(REPO, operations, commit_message="by hand", repo_type="dataset")
    push(hub, made)
    now = head(hub)
    assert now["license"] == "mit"
    assert "harbours" in now["tags"]
    assert {config["config_name"]: config.get("default") for config in now["configs"]} == {
        "mine": None, "multimodal": None, "text": True
    }  # fmt: skip
    assert b"Licence of the data: **mit**" in hub.repositories[KEY].files["README.md"]
    assert load(hub, tmp_path, ("mine", None))["mine", None]["train"]["a"] == [1]
    assert not hub.repositories[KEY].private  # it was public, and stays what it was


def test_a_branch_and_a_tag(made, hub, tmp_path):
    push(hub, made, revision="next", tag="v1")
    repository = hub.repositories[KEY]
    assert repository.commits == []
    assert len(repository.history("next")) == 1
    assert repository.tags["v1"] == repository.refs["next"]
    loaded = load(hub, tmp_path, ("text", "v1"), ("multimodal", "next"))
    assert len(loaded["text", "v1"]["train"]) > 0 < len(loaded["multimodal", "next"]["train"])
    with pytest.raises(PublishingError, match="there is a tag v1 already"):
        push(hub, made, tag="v1")
    assert repository.commits == []


def test_a_pull_request_changes_nothing_but_can_be_loaded(made, hub, tmp_path):
    hub.accounts["hf_other"] = Account("other")
    push(hub, made, public=True)
    split = load_split(made / "dataset")
    fewer = Split(split.train[:20], split.test[:5])
    done = push(hub, fewer, token="hf_other", pull_request=True)
    repository = hub.repositories[KEY]
    assert done.url == f"{hub.url}/{KEY}/discussions/1"
    assert len(repository.commits) == 1
    loaded = load(hub, tmp_path, ("text", "refs/pr/1"))["text", "refs/pr/1"]
    assert by_id(from_dataset(loaded["train"])).keys() <= by_id(fewer.train).keys()
    with pytest.raises(ConfigurationError, match="a proposal"):
        push(hub, fewer, pull_request=True, tag="v1")
    with pytest.raises(PublishingError, match="no such dataset to propose rows to"):
        push(hub, fewer, "me/others", pull_request=True)


def test_public_and_gated_in_an_order_that_exposes_nothing(made, hub):
    push(hub, made, public=True, gated="manual")
    repository = hub.repositories[KEY]
    assert (repository.private, repository.gated) == (False, "manual")
    # The gate before the data, open to see after them.
    assert repository.settings == [{"gated": "manual", "commits": 0}, {"visibility": "public", "commits": 1}]
    push(hub, made, gated=False)
    assert (repository.private, repository.gated) == (False, False)


def test_it_can_be_read_while_it_comes(made, hub, tmp_path):
    push(hub, made)
    code = f"""if True:
        from datasets import load_dataset
        row = next(iter(load_dataset({REPO!r}, "multimodal", split="test", streaming=True)))
        print(row["id"], row["images"][0].size)
    """
    read = python(hub, tmp_path / "home", "-c", code)
    assert read.returncode == 0, read.stderr
    name, size = read.stdout.strip().split(" ", 1)
    row = by_id(load_split(made / "dataset").test)[name]
    assert size == str((row.pictures[0].width, row.pictures[0].height))


def test_the_command_publishes_and_says_so_in_plain_lines(made, hub, tmp_path):
    command = ["-m", "llmi_data", "publish", str(made), "--repo", REPO, "--tag", "v1", "--license", "mit"]
    done = python(hub, tmp_path / "home", *command)
    assert done.returncode == 0, done.stderr
    repository = hub.repositories[KEY]
    assert f"-> {hub.url}/{KEY}/commit/{repository.refs['main']}" in done.stderr
    assert "rows are in order" in done.stderr
    assert "%|" not in done.stderr  # no bars where there is no terminal
    assert repository.tags["v1"] == repository.refs["main"]
    again = python(hub, tmp_path / "home", *command[:-4], "--license", "mit")
    assert "nothing is different" in again.stderr
    refused = python(hub, tmp_path / "home", *command, HF_TOKEN="hf_unknown")
    assert refused.returncode == 1
    assert "hf auth login" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_a_gate_is_seen_by_who_loads(made, hub, tmp_path):
    push(hub, made, public=True, gated="auto")
    hub.accounts["hf_other"] = Account("other")
    code = f"from datasets import load_dataset; load_dataset({REPO!r}, 'text')"
    refused = python(hub, tmp_path / "home", "-c", code, HF_TOKEN="hf_other")
    assert refused.returncode == 1
    assert "gated" in refused.stderr


@pytest.mark.parametrize("way", ["refused", "killed"])
def test_a_stop_in_mid_upload_leaves_the_repository_as_it_was(made, hub, tmp_path, way):
    split = load_split(made / "dataset")
    push(hub, Split(split.train[:30], split.test[:10]))
    repository = hub.repositories[KEY]
    before = repository.files
    if way == "refused":

        def refuse(request: str) -> None:
            if request.startswith("PUT /lfs/"):
                raise RefusalError(403, "storage is full")

        hub.before = refuse
        with pytest.raises(PublishingError, match="storage is full"):
            push(hub, made)
    else:
        arrived, go_on = threading.Event(), threading.Event()

        def hold(request: str) -> None:
            if request.startswith("PUT /lfs/"):
                arrived.set()
                go_on.wait(30)

        hub.before = hold
        command = [sys.executable, "-m", "llmi_data", "publish", str(made), "--repo", REPO]
        variables = {"PATH": "/usr/bin:/bin"} | hub.environment(tmp_path)
        with subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) as process:
            assert arrived.wait(60)
            process.send_signal(signal.SIGKILL)
        go_on.set()
    assert repository.files == before
    assert len(repository.commits) == 1
    hub.before = None
    assert push(hub, made).deleted == ()
    assert len(repository.commits) == 2


def test_somebody_else_commits_meanwhile(made, hub):
    split = load_split(made / "dataset")
    push(hub, Split(split.train[:30], split.test[:10]))
    repository = hub.repositories[KEY]

    def meddle(request: str) -> None:
        if "/preupload/" in request:
            hub.before = None
            repository.commit("main", [{"key": "header", "value": {"summary": "by hand"}}], {}, propose=False)

    hub.before = meddle
    with pytest.raises(PublishingError, match="somebody committed to it meanwhile; nothing was changed"):
        push(hub, made)
    assert repository.commits[1:] == ["by hand"]


def test_a_lost_answer_is_not_taken_for_a_refusal(made, hub):
    """The commit was made, and the line broke before the Hub could say so."""
    repository = hub.repositories[KEY] = Repository()
    commit = repository.commit

    def and_hang_up(*arguments, **more):
        repository.commit = commit
        commit(*arguments, **more)
        raise ConnectionError

    repository.commit = and_hang_up
    with pytest.raises(PublishingError, match="whether the commit was made is not known; run it again"):
        push(hub, made)
    assert len(repository.commits) == 1
    assert push(hub, made).unchanged
    assert len(repository.commits) == 1


@pytest.mark.parametrize(("tag", "left"), [("v1", "the tag v1 and making it public"), (None, "making it public")])
def test_what_is_left_to_do_after_the_commit_is_said(made, hub, tag, left):
    def refuse(request: str) -> None:
        if "/tag/" in request or request.endswith("/settings"):
            raise RefusalError(403, "not today")

    hub.before = refuse
    with pytest.raises(PublishingError, match=f"The rows are there, in commit .* not done is {left}$"):
        push(hub, made, public=True, tag=tag)
    assert len(hub.repositories[KEY].commits) == 1
    assert hub.repositories[KEY].private


@pytest.mark.parametrize(
    ("repo", "token", "words"),
    [
        ("me/prompts", "hf_unknown", "does not know this token"),
        ("me/prompts", "hf_reader", "may not write"),
        (
            "nobody/prompts",
            None,
            "no user or organization 'nobody'|under the namespace \"nobody\"",
        ),  # the latter by hub 1
        ("others/prompts", None, "the Hub refuses this .* under your own name"),
    ],
)
def test_what_the_hub_refuses_is_said_with_the_remedy(made, hub, repo, token, words):
    hub.accounts |= {"hf_reader": Account("me", may_write=False), "hf_them": Account("them", ("others",))}
    with pytest.raises(PublishingError, match=words):
        push(hub, made, repo, token)
    assert not hub.repositories


def test_without_a_token(made, hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(PublishingError, match="hf auth login"):
        publish(made, PublishConfig(repo=REPO), endpoint=hub.url)
    assert hub.requests == []


def test_a_licence_the_hub_does_not_know(made, hub):
    with pytest.raises(PublishingError, match='"license" must be one of'):
        push(hub, made, license="whatever")
    assert hub.repositories[KEY].commits == []


def test_a_hub_that_is_not_there(made, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(PublishingError, match="cannot be reached"):
        publish(made, PublishConfig(repo=REPO), endpoint="http://127.0.0.1:9", token="hf_x")


def test_a_model_of_the_same_name_is_told_and_left_alone(made, hub, caplog):
    """A Hub keeps models and datasets apart, so that both may have the name; whoever proposes is likely mistaken."""
    from huggingface_hub import HfApi

    HfApi(hub.url, token=hub.token).create_repo(REPO)
    with pytest.raises(PublishingError, match=r"no such dataset .* there is a model of that name; correct --repo"):
        push(hub, made, pull_request=True)
    with caplog.at_level("INFO", logger="llmi_data"):
        push(hub, made)
    assert "a new dataset; there is a model of that name" in caplog.text
    assert {REPO, KEY} <= hub.repositories.keys()
    assert hub.repositories[REPO].files == {}


@pytest.mark.parametrize("repo", ["prompts", "me/prompts/more", "me/-prompts"])
def test_a_name_that_is_none(made, repo):
    with pytest.raises(ConfigurationError, match="--repo"):
        publish(made, PublishConfig(repo=repo))


def test_rows_that_are_none_are_named_and_nothing_is_sent(made, hub, tmp_path):
    lines = (made / "curated.jsonl").read_text().splitlines()
    broken = tmp_path / "rows.jsonl"
    broken.write_text("\n".join([lines[0], '{"prompt": []}', lines[1], "{", *lines[2:]]))
    with pytest.raises(RowError, match=r"rows\.jsonl, line 2: .*; .*rows\.jsonl, line 4: not valid JSON") as told:
        push(hub, broken)
    assert "delete" in str(told.value)
    assert hub.requests == []


def test_a_picture_that_is_none_is_named(made, hub):
    split = load_split(made / "dataset")
    row = next(row for row in split.train if row.images)
    torn = row.model_copy(update={"images": (row.images[0][:60],)})
    with pytest.raises(RowError, match=f"row {row.id}: picture 0 cannot be decoded .*; replace the picture"):
        push(hub, Split((torn,), ()))
    assert hub.requests == []


def test_a_split_that_leaks_is_not_published(made, hub):
    split = load_split(made / "dataset")
    row = split.test[0]
    leaked = row.model_copy(update={"provenance": row.provenance.model_copy(update={"side": "train"})})
    with pytest.raises(SplitError, match="keep each on one side"):
        push(hub, Split((*split.train, leaked), split.test))
    assert hub.requests == []


def test_a_row_in_the_other_split_than_it_says_is_not_moved_in_silence(made, hub, tmp_path):
    from llmi_data.dataset import save

    split = load_split(made / "dataset")
    mixed = Split((*split.train, split.test[0]), split.test[1:])
    save(mixed, tmp_path / "data")
    for source in (mixed, tmp_path / "data"):
        with pytest.raises(SplitError, match=f"1 rows are in one split .* row {split.test[0].id}"):
            push(hub, source)
    assert hub.requests == []


def test_a_preview_writes_what_would_be_committed_and_sends_nothing(made, hub, tmp_path):
    split = load_split(made / "dataset")
    push(hub, made)
    sent = [request for request in hub.requests if not request.startswith(("GET", "HEAD"))]
    texts = tuple(row for row in split.train if not row.images)
    seen = preview(Split(texts, ()), PublishConfig(repo=REPO), tmp_path / "out", endpoint=hub.url, token=hub.token)
    assert [request for request in hub.requests if not request.startswith(("GET", "HEAD"))] == sent
    assert "multimodal/train-00000-of-00001.parquet" in seen.deleted
    assert set(seen.added) == {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    push(hub, Split(texts, ()), folder=tmp_path / "out")
    assert hub.repositories[KEY].files == {name: (tmp_path / "out" / name).read_bytes() for name in seen.added}


def test_a_folder_with_something_else_is_left_alone(made, tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(PublishingError, match="holds something that is no publication"):
        preview(made, PublishConfig(repo=REPO), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


def test_records_say_nothing_of_this_machine(made, hub, tmp_path):
    seen = preview(made, PublishConfig(repo=REPO), tmp_path / "out")
    for path in (tmp_path / "out" / "records").iterdir():
        assert str(made) not in path.read_text()
    assert json.loads((tmp_path / "out" / "records" / "generate.json").read_text())["planned"] == 120
    assert seen.prepared.rows


@pytest.mark.slow
def test_a_thousand_rows_and_more_there_and_back(tmp_path):
    """What `benchmarks/publishing.py` measures: every row and picture comes back as it went."""
    path = Path(__file__).parents[2] / "benchmarks" / "publishing.py"
    sys.path.insert(0, str(path.parent))
    import publishing

    figures = publishing.measure(1300, tmp_path, None)
    assert figures["rows published"] >= 1000
    assert figures["rows read back that differ"] == 0
    assert (figures["commits"], figures["private"]) == (1, True)
