"""Curation and checking: what is caught, what is dropped wrongly, and how fast.

    python benchmarks/data.py                         # everything but the million, about two minutes
    python benchmarks/data.py curves                  # one part; `--help` names them
    python benchmarks/data.py million --rows 1000000  # deduplication from file to file in bounded memory

`curves` measures likeness by single words, pairs and triples, plain and weighted, on the same planted sets: the
settings' defaults were read off it. `duplicates` plants edited copies and counts which are caught, exactly and through
MinHash, and how many rows of sets without duplicates are dropped: prompts of distinct scenarios, of the same templates
about other topics, with other figures, with another topic put in place of the first. Every set is also tried without
provenance, as rows from elsewhere are: then only the words can tell. Times are the processor's, of one thread.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data_planted import (
    EDITS,
    HANDLINGS,
    distinct,
    edited,
    other_figures,
    other_topic,
    pictures,
    png,
    reworded,
    same_sentences,
    vocabulary_of,
    write_many,
)
from results import record, show

from llmi_data import Plan, Row, generate
from llmi_data.checking import check_lines
from llmi_data.curation import Benchmark, BenchmarkFile, CurationSettings, Item, curate, curate_file
from llmi_data.curation.pictures import Album, look, views
from llmi_data.curation.words import grams, words

SHARES = (0.05, 0.1, 0.2)
EXACT, MINHASH = CurationSettings(exact_up_to=10**9), CurationSettings(exact_up_to=0)


def curves(options: argparse.Namespace) -> dict[str, Any]:
    """For each measure the threshold that catches 93 % of substitutions at 20 %, and what it costs."""
    rows = _rows(options)
    rng = random.Random(1)
    clean, vocabulary = distinct(_uncurated(options, 4)), vocabulary_of(rows)
    known = Counter(word for row in rows for word in set(words(row.text)))
    measures: dict[str, Callable[[str, str], float]] = {
        **{f"{n} word{'s' * (n > 1)}, plain": _measure(n, lambda run: 1.0) for n in (1, 2, 3)},
        "1 word, by rarity": _measure(1, lambda run: 1 + float(np.log((len(rows) + 1) / (known[run] + 1))) / 2),
    }
    some = rng.sample(clean, min(len(clean), 300))
    pairs = [
        (a.text, b.text)
        for number, a in enumerate(clean)
        for b in clean[:number]
        if (a.image_count, a.required_tools) == (b.image_count, b.required_tools)
    ]
    found = {}
    for name, alike in measures.items():
        scores = {
            share: sorted(alike(row.text, edited(row.text, share, "substitution", rng, vocabulary)) for row in some)
            for share in SHARES
        }
        threshold = float(np.quantile(scores[0.2], 0.07))
        wrong = [alike(a, b) for a, b in pairs]
        found[name] = {
            "threshold": threshold,
            "least at 5 %": scores[0.05][0],
            "least at 10 %": scores[0.1][0],
            "caught at 10 %": float(np.mean(np.array(scores[0.1]) >= threshold)),
            "pairs of other scenarios above it": float(np.mean(np.array(wrong) >= threshold)),
            "most alike of other scenarios": max(wrong),
        }
    show("Measures of likeness", ["", *next(iter(found.values()))], [[n, *f.values()] for n, f in found.items()])
    return found


def duplicates(options: argparse.Namespace) -> dict[str, Any]:
    rows = _rows(options)
    rng = random.Random(2)
    vocabulary = vocabulary_of(rows)
    caught: dict[str, dict[str, float]] = {}
    for kind in EDITS:
        for share in SHARES:
            originals = rng.sample(rows, min(len(rows), options.copies))
            copies = [reworded(row, edited(row.text, share, kind, rng, vocabulary)) for row in originals]
            caught[f"{kind}, {share:.0%}"] = {
                name: _caught(rows, originals, copies, settings)
                for name, settings in (("exact", EXACT), ("MinHash", MINHASH))
            }
    show("Planted duplicates caught", ["", "exact", "MinHash"], [[n, *f.values()] for n, f in caught.items()])

    dropped: dict[str, dict[str, float]] = {}
    for seed in range(4, 4 + options.sets):
        # Nothing has gone through curation before: a set that had would have lost what it might lose here.
        made = _uncurated(options, seed)
        topics = sorted({row.provenance.topic for row in made if row.provenance})
        alone = distinct(made)
        sets = {
            "distinct scenarios": alone,
            "same templates, other topics": [row for pair in same_sentences(made)[:500] for row in pair],
            "other figures": _with(alone, lambda row: other_figures(row, rng)),
            "topic replaced": _with(alone, lambda row, topics=topics: other_topic(row, topics, rng)),
        }
        for name, members in sets.items():
            kept = list({row.id: row for row in members}.values())
            counts = dropped.setdefault(name, {"rows": 0, "with provenance": 0, "without provenance": 0})
            counts["rows"] += len(kept)
            # Rows of one topic and the same templates may well be duplicates: those of two topics are none.
            topic = {row.id: row.provenance.topic for row in kept if row.provenance} if "templates" in name else {}
            counts["with provenance"] += _dropped(kept, topic)
            counts["without provenance"] += _dropped([reworded(row, row.text, anonymous=True) for row in kept], topic)
    for counts in dropped.values():
        counts["with provenance"] /= counts["rows"]
        counts["without provenance"] /= counts["rows"]
    show(
        "Rows dropped from sets without duplicates, share",
        ["", "rows", "with provenance", "without"],
        [[name, *figures.values()] for name, figures in dropped.items()],
    )
    return {"caught": caught, "dropped": dropped}


def contamination(options: argparse.Namespace) -> dict[str, Any]:
    """Questions of a benchmark planted in rows of other scenarios, as they are, handled, and in pictures."""
    rng = random.Random(3)
    rows = _rows(options)
    vocabulary = vocabulary_of(rows)
    questions = [row for row in distinct(rows) if row.provenance and row.provenance.side == "test"]
    others = [row for row in rows if row.provenance and row.provenance.side == "train"]
    shown = [image for _, image in pictures(options.pictures)]
    asked = [
        Item(f"question {n}", row.text, (png(shown[n]),) if n < len(shown) else ()) for n, row in enumerate(questions)
    ]
    source = BenchmarkFile(name="planted", file=Path("planted"), revision="1", split="test")
    benchmark = Benchmark(source, asked)
    texts: dict[str, Callable[[Row, Row], str]] = {
        "word for word": lambda question, row: question.text,
        "other case and signs": lambda question, row: question.text.upper().replace(".", " !"),
        "inside a longer prompt": lambda question, row: f"{row.text} {question.text} {row.text}",
        "5 % of words edited": lambda question, row: edited(question.text, 0.05, "mixed", rng, vocabulary),
        "10 % of words edited": lambda question, row: edited(question.text, 0.1, "mixed", rng, vocabulary),
        "10 % edited, inside a longer one": lambda question, row: (
            f"{row.text} {edited(question.text, 0.1, 'mixed', rng, vocabulary)}"
        ),
        "20 % of words edited": lambda question, row: edited(question.text, 0.2, "mixed", rng, vocabulary),
    }
    found = {
        name: _hit(
            benchmark, [reworded(row, plant(question, row)) for question, row in zip(questions, others, strict=False)]
        )
        for name, plant in texts.items()
    }
    for name, handle in {"as it is": lambda image: image, **HANDLINGS}.items():
        handled = [
            row.model_copy(update={"images": (png(handle(image)),)})
            for image, row in zip(shown[: len(asked)], others, strict=False)
        ]
        found[f"picture, {name}"] = _hit(benchmark, handled, "picture")
    clean = [row for row in others if not row.images]
    wrongly = len({hit.row for row in clean for hit in benchmark.hits(row, ())}) / len(clean)
    show(
        f"Contamination found, {len(asked)} questions with {benchmark.pictures} pictures",
        ["planted", "share found"],
        [*found.items(), (f"none: {len(clean)} rows of other scenarios", wrongly)],
    )
    return {"found": found, "questions": len(asked), "pictures": benchmark.pictures, "found in clean rows": wrongly}


def portraits(options: argparse.Namespace) -> dict[str, Any]:
    """Two measures of pictures, ours and a difference hash: how near copies stay, and how near others come."""
    several = pictures(options.pictures)
    seen = [views(png(image)) for _, image in several]
    albums = [Album([view]) for view in seen]
    hashes = [_difference_hash(image) for _, image in several]
    least: dict[str, float] = {}
    most_bits: dict[str, int] = {}
    for name, handle in HANDLINGS.items():
        copies = [handle(image) for _, image in several]
        least[name] = min(_cosine(album, copy) for album, copy in zip(albums, copies, strict=True))
        most_bits[name] = max(
            int((own != _difference_hash(copy)).sum()) for own, copy in zip(hashes, copies, strict=True)
        )
    nearest: dict[str, float] = {}
    fewest: dict[str, int] = {}
    for number, (kind, image) in enumerate(several):
        others = Album([view for n, view in enumerate(seen) if n != number])
        bits = min(int((other != hashes[number]).sum()) for n, other in enumerate(hashes) if n != number)
        nearest[kind] = max(nearest.get(kind, -1), _cosine(others, image))
        fewest[kind] = min(fewest.get(kind, 128), bits)
    lines = [[f"copy: {name}", least[name], most_bits[name]] for name in HANDLINGS]
    lines += [[f"nearest other {kind}", nearest[kind], fewest[kind]] for kind in nearest]
    show(f"Likeness of {len(several)} pictures", ["", "portrait, cosine", "128-bit difference hash, bits"], lines)
    return {
        "least cosine of copies": least,
        "most alike others": nearest,
        "bits of copies": most_bits,
        "bits of others": fewest,
    }


def check(options: argparse.Namespace) -> dict[str, Any]:
    """Rows per second and core, checked from JSON Lines; building `Row` values beside it."""
    rows = [row for row in generate(Plan.demo(rows=3000)) if not row.images]
    shapes = {
        "prompt and labels": {"provenance", "verdict", "implicit"},
        "with provenance": {"provenance": {"scenario"}},
        "with the offline generator's facts": None,
    }
    found = {}
    for name, left_out in shapes.items():
        lines = [row.model_dump_json(exclude=left_out).encode() for row in rows]
        found[name] = {
            "bytes a row": sum(map(len, lines)) / len(lines),
            "checked per second": _rate(
                lambda lines=lines: sum(1 for _, p in check_lines(lines) if p is None), len(lines)
            ),
            "built per second": _rate(
                lambda lines=lines: [Row.model_validate_json(line) for line in lines], len(lines)
            ),
        }
    show(
        "Schema validation on one core", ["", *next(iter(found.values()))], [[n, *f.values()] for n, f in found.items()]
    )
    return found


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """A dataset of the paper's size curated, pictures, a benchmark and a plan included."""
    rows = list(generate(Plan.demo(rows=4000, seed=5)))
    source = BenchmarkFile(name="planted", file=Path("planted"), revision="1", split="test")
    asked = [Item(f"question {n}", row.text, row.images) for n, row in enumerate(generate(Plan.demo(rows=500, seed=6)))]
    begun = time.process_time()
    plain = curate(rows)
    alone = time.process_time() - begun
    begun = time.process_time()
    curate(rows, plan=Plan.demo(rows=4000), benchmarks=[Benchmark(source, asked)])
    both = time.process_time() - begun
    found = {"rows": len(rows), "kept": plain.report.kept, "seconds": alone, "seconds with benchmark and plan": both}
    show("4,000 rows curated", list(found), [list(found.values())])
    return found


def million(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "many.jsonl"), Path(folder, "curated.jsonl")
        planted = write_many(source, options.rows)
        size = source.stat().st_size
        before = _peak()
        begun, processor = time.perf_counter(), time.process_time()
        clusters = Path(folder, "clusters.jsonl")
        report = curate_file(source, output, clusters=clusters)
        seconds, processor = time.perf_counter() - begun, time.process_time() - processor
        kept = _kept_lines(source, output)
        missed = sum(1 for copy, original in planted if kept[copy] and kept[original])
    found = {
        "rows": options.rows,
        "file, MB": size / 1e6,
        "kept": report.kept,
        "planted": len(planted),
        "planted and caught": 1 - missed / max(len(planted), 1),
        "minutes": seconds / 60,
        "processor minutes": processor / 60,
        "peak memory, MB": _peak(),
        "peak memory before, MB": before,
    }
    show("Deduplicated from file to file", list(found), [list(found.values())])
    return {**found, "removed": report.removed, "largest cluster": report.largest_cluster}


def _rows(options: argparse.Namespace) -> list[Row]:
    """Rows without duplicates of their own: what is caught later was planted."""
    return list(curate(generate(Plan.demo(rows=options.base, seed=4))).kept)


def _uncurated(options: argparse.Namespace, seed: int) -> list[Row]:
    return list(generate(Plan.demo(rows=options.base, seed=seed)))


def _caught(rows: Sequence[Row], originals: Sequence[Row], copies: Sequence[Row], settings: CurationSettings) -> float:
    kept = {row.id for row in curate([*rows, *copies], settings).kept}
    missed = sum(1 for a, b in zip(originals, copies, strict=True) if a.id != b.id and {a.id, b.id} <= kept)
    return 1 - missed / len(copies)


def _dropped(rows: Sequence[Row], topic: dict[str, str]) -> int:
    """Rows that went for one of another topic, where topics are given; else all that went."""
    removed = curate(rows).removed
    return sum(not topic or topic[r.row.id] != topic[str(r.decision.partner)] for r in removed)


def _with(rows: Sequence[Row], change: Callable[[Row], Row | None]) -> list[Row]:
    """Rows that can be changed so, each followed by its changed copy."""
    return [member for row in rows if (other := change(row)) for member in (row, other)]


def _hit(benchmark: Benchmark, rows: Sequence[Row], kind: str = "text") -> float:
    return sum(
        any(kind in hit.kind for hit in benchmark.hits(row, [look(image) for image in row.images])) for row in rows
    ) / len(rows)


def _measure(n: int, weight: Callable[[str], float]) -> Callable[[str, str], float]:
    def alike(a: str, b: str) -> float:
        first, second = set(grams(words(a), n)), set(grams(words(b), n))
        return sum(map(weight, first & second)) / sum(map(weight, first | second))

    return alike


def _cosine(album: Album, image: Any) -> float:
    found = album.nearest(look(png(image)))
    return found[1] if found else 0.0


def _difference_hash(image: Any) -> np.ndarray:
    wide, high = (np.asarray(image.convert("L").resize(size), np.int16) for size in ((9, 8), (8, 9)))
    return np.concatenate([(wide[:, 1:] > wide[:, :-1]).ravel(), (high[1:] > high[:-1]).ravel()])


def _rate(work: Callable[[], object], rows: int) -> float:
    """The best of five: other work on the machine only slows down."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return rows / best


def _kept_lines(source: Path, output: Path) -> list[bool]:
    """Which lines of the source stayed: the output has their texts in the same order."""
    import json

    texts = (json.loads(line)["prompt"][0]["content"] for line in output.open(encoding="utf-8"))
    expected = next(texts, None)
    kept = []
    for line in source.open(encoding="utf-8"):
        same = json.loads(line)["prompt"][0]["content"] == expected
        kept.append(same)
        if same:
            expected = next(texts, None)
    return kept


def _peak() -> float:
    """Most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


PARTS = {
    "curves": curves,
    "duplicates": duplicates,
    "contamination": contamination,
    "pictures": portraits,
    "check": check,
    "speed": speed,
    "million": million,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}")
    parser.add_argument("--rows", type=int, default=50_000, help="of `million`")
    parser.add_argument("--base", type=int, default=4000, help="rows that copies are planted among")
    parser.add_argument("--copies", type=int, default=500, help="of each kind of edit and share")
    parser.add_argument("--sets", type=int, default=5, help="of prompts without duplicates, each from another seed")
    parser.add_argument("--pictures", type=int, default=60, help="charts, and as many photograph-like pictures")
    parser.add_argument("--no-record", action="store_true", help="leave benchmarks/results alone")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        sys.exit(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    for part in options.parts or [name for name in PARTS if name != "million"]:
        figures = PARTS[part](options)
        if not options.no_record:
            name = f"data-{part}-{options.rows}" if part == "million" else f"data-{part}"
            print(record(name, figures, **_context(part, options), load=os.getloadavg()))


def _context(part: str, options: argparse.Namespace) -> dict[str, int]:
    uses = {"million": ("rows",), "contamination": ("base", "pictures"), "pictures": ("pictures",)}
    uses |= {"curves": ("base",), "duplicates": ("base", "copies", "sets")}
    return {name: getattr(options, name) for name in uses.get(part, ())}


if __name__ == "__main__":
    main()
