import pytest

from llmi_data import (
    Plan,
    RowError,
    Split,
    SplitError,
    features,
    from_dataset,
    generate,
    load,
    make_dataset,
    save,
    split,
    straddlers,
    to_dataset,
)


@pytest.fixture(scope="module")
def made():
    return make_dataset(Plan.demo(rows=100), seed=2)


def test_the_pipeline_reports_what_it_did(made):
    report = made.report
    assert (report.planned, report.generated) == (100, 100)
    assert report.kept == len(made.train) + len(made.test) == 100 - len(made.dropped)
    assert report.train.rows == len(made.train)
    assert set(report.seconds) == {"generate", "validate", "split"}
    assert report.model_validate_json(report.model_dump_json()) == report


def test_progress_reaches_the_end_of_every_step():
    ticks = []
    make_dataset(Plan.demo(rows=60), progress=lambda *tick: ticks.append(tick))
    assert ticks.count(("generate", 60, 60)) == ticks.count(("validate", 60, 60)) == 1
    assert [done for step, done, _ in ticks if step == "validate"] == list(range(1, 61))


def test_another_seed_makes_other_rows_and_the_same_seed_the_same(made):
    assert make_dataset(Plan.demo(rows=100, seed=2)).train == made.train
    assert make_dataset(Plan.demo(rows=100, seed=3)).train != made.train


def test_a_scenario_on_both_sides_is_refused(rows, make_row):
    row = next(r for r in rows if r.provenance.side == "train")
    moved = row.model_copy(update={"provenance": row.provenance.model_copy(update={"side": "test"}), "id": "other"})
    with pytest.raises(SplitError, match=r"family .* is in train row .* keep each on one side"):
        split([row, moved])
    kinds = {s.kind for s in straddlers([row], [moved])}
    assert kinds == {"family", "topic", "wording"}
    with pytest.raises(SplitError, match="no provenance"):
        split([make_row(provenance=None)])


def test_rows_become_a_dataset_and_rows_again(made, make_row):
    unread = [make_row(), make_row("No origin.", provenance=None, required_tools=(), image_count=0)]
    for given in (made.train, unread, ()):
        dataset = to_dataset(given)
        assert dataset.features == features()
        assert tuple(from_dataset(dataset)) == tuple(given)


def test_the_columns_are_what_a_trainer_takes(made):
    number = next(i for i, row in enumerate(made.train) if row.images)
    value = made.dataset["train"][number]
    assert value["prompt"] == made.train[number].messages
    assert value["images"][0].size == (160, 120)
    assert value["required_tools"] == list(made.train[number].required_tools)


def test_saved_and_loaded(made, tmp_path, capfd):
    save(Split(made.test, ()), tmp_path / "dataset")
    save(made.split, tmp_path / "dataset")
    assert load(tmp_path / "dataset") == made.split
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
    assert capfd.readouterr().err == ""
    with pytest.raises(RowError, match="no saved dataset"):
        load(tmp_path / "nothing")


def test_a_save_that_fails_leaves_the_earlier_dataset(made, tmp_path, monkeypatch):
    folder = tmp_path / "dataset"
    save(made.split, folder)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("datasets.DatasetDict.save_to_disk", full)
    with pytest.raises(RowError, match="No space left"):
        save(Split((), ()), folder)
    assert load(folder) == made.split
    assert list(tmp_path.iterdir()) == [folder]


def test_what_is_no_pair_of_splits_is_named(made, tmp_path):
    made.dataset["test"].save_to_disk(str(tmp_path / "one"))
    with pytest.raises(RowError, match="holds one dataset"):
        load(tmp_path / "one")
    save(made.split, tmp_path / "two")
    (tmp_path / "two" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(RowError, match="has no split test; it has train"):
        load(tmp_path / "two")
    for arrow in (tmp_path / "two").rglob("*.arrow"):
        arrow.write_bytes(b"half a file")
    with pytest.raises(RowError, match="damaged"):
        load(tmp_path / "two")


def test_a_folder_with_other_things_is_left_alone(made, tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    with pytest.raises(RowError, match="no dataset; choose another folder"):
        save(made.split, tmp_path)
    assert list(tmp_path.iterdir()) == [precious]


def test_through_parquet(made, tmp_path):
    from datasets import Dataset

    path = tmp_path / "test.parquet"
    made.dataset["test"].to_parquet(str(path))
    again = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert tuple(from_dataset(again)) == made.test


def test_a_dataset_from_elsewhere_is_named_with_its_row(made):
    dataset = made.dataset["test"]
    with pytest.raises(RowError, match="no column image_count; it has"):
        list(from_dataset(dataset.remove_columns("image_count")))
    wrong = dataset.remove_columns("image_count").add_column("image_count", [3] * (len(dataset) - 1) + [-9])
    with pytest.raises(RowError, match=f"row {len(dataset) - 1}: .*image count"):
        list(from_dataset(wrong))


def test_an_empty_side_is_a_dataset_too():
    rows = [row for row in generate(Plan.demo(rows=60)) if row.provenance.side == "train"]
    sides = split(rows)
    assert sides == Split(tuple(rows), ())


def test_a_dataset_with_an_empty_side_is_saved_and_loaded(made, tmp_path):
    for sides in (Split(made.test, ()), Split((), made.test)):
        save(sides, tmp_path / "dataset")
        assert load(tmp_path / "dataset") == sides
