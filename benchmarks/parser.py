"""What `parse` costs: a megabyte of each kind of bad text, one ordinary answer, and a fuzz for what must always hold.

    python benchmarks/parser.py                        # a minute
    python benchmarks/parser.py --documents 1000000    # the full fuzz: two minutes

The adversarial texts are numbered where they can be, so that no two tags are alike. "read" is the time to make every
call and to find every reason, which `parse` leaves until they are asked for. Times are processor times, the best of
several. Garbage is collected as usual, which costs more the more there is to keep; "twice" is how much longer twice
the text takes, without the collector as `timeit` has it, and "twice_gc" with it.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator

from results import record, show

from llmi_schema import (
    CodeCall,
    CodeParams,
    Document,
    EditCall,
    EditParams,
    SearchCall,
    SearchParams,
    Tag,
    parse,
)

SEARCH = SearchCall(description="a fox", params=SearchParams(query="red fox")).to_tag()
CODE = CodeCall(
    description='rain by "month"', params=CodeParams(code='fig, ax = plt.subplots()\nax.bar(["a"], [3 < 4])\n' * 4)
).to_tag()
EDIT = EditCall(description="the same at night", params=EditParams(img_index=0, prompt="make it night")).to_tag()
PROSE = "Genoa has <b>two</b> harbours; the old one, Porto Antico, is built over a Roman quay.\nIt rains in autumn. "
LOOSE = '<imgen>{"params":{"query":"red fox"},"source":"search","description":"#"}</imgen>'

KINDS = {
    "prose": PROSE,
    "prose with code fences": f"{PROSE}\n```\nx = 1\n```\n",
    "literal <image>": "<image>",
    "<think> never closed": "<think>",
    "empty thoughts": "<think></think>",
    "opening tags": "<imgen>",
    "closing tags": "</imgen>",
    "opened objects": '<imgen>{"#":{',
    "opened strings": '<imgen>{"#',
    "strings over ends": '<imgen>{"</imgen>',
    "escapes over ends": '<imgen>{"\\"</imgen>',
    "empty tags": "<imgen></imgen>",
    "words in tags": "<imgen>#</imgen> ",
    "empty objects": "<imgen>{}</imgen>",
    "broken JSON": '<imgen>{"#":[}</imgen>',
    "duplicate keys": '<imgen>{"#":1,"#":2}</imgen>',
    "a call without parameters": '<imgen>{"source":"search","description":"#"}</imgen>',
    "a number for a text": SEARCH.replace('"red fox"', "#"),
    "an escaped key": SEARCH.replace('"query"', '"\\u0071ueries"').replace("fox", "#"),
    "half characters": SEARCH.replace("red fox", "\\ud800#"),
    "edits of later pictures": EDIT.replace('"img_index": 0', '"img_index": 1#'),
    "searches": SEARCH.replace("fox", "#"),
    "searches, keys in another order": LOOSE,
    "edits": EDIT,
    "code": CODE,
    "fences": "\n```",
    "long fences": "\n`````\nx\n`````",
    "unmatched fences": "```\n~~~\n",
    "backticks": "`",
    "look-alikes": "＜imgen＞{}＜/imgen＞",
}


def text_of(kind: str, characters: int) -> str:
    if kind == "deep JSON":
        return "<imgen>" + '{"a": ' * (characters // 7) + "1" + "}" * (characters // 7) + "</imgen>"
    if kind == "one long string":
        return SEARCH.replace("red fox", "a" * characters)
    unit = KINDS[kind]
    repeats = characters // len(unit) + 1
    numbered = (unit.replace("#", str(i)) for i in range(repeats)) if "#" in unit else [unit] * repeats
    return "".join(numbered)[:characters]


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def read(document: Document) -> list[object]:
    """Every call and every reason, which `parse` leaves until they are asked for."""
    return [mark.call if isinstance(mark, Tag) else mark.reason for mark in document.tags]


def adversaries(characters: int) -> Iterator[dict[str, float | str]]:
    for kind in [*KINDS, "deep JSON", "one long string"]:
        small, large = text_of(kind, characters), text_of(kind, 2 * characters)
        once = seconds(lambda text=small: parse(text))
        twice_collected = seconds(lambda text=large: parse(text))
        gc.disable()
        alone = seconds(lambda text=small: parse(text))
        twice = seconds(lambda text=large: parse(text))
        gc.enable()
        reading = seconds(lambda text=small: read(parse(text)), 1) - once
        yield {
            "text": kind,
            "marks": len(parse(small).marks),
            "parse_ms": once * 1e3,
            "twice": twice / alone,
            "twice_gc": twice_collected / once,
            "read_ms": max(0.0, reading) * 1e3,
        }


def ordinary() -> dict[str, float]:
    """An answer of 4,096 characters with four tags, as rewards see them."""
    text = "".join(PROSE * 6 + tag for tag in (SEARCH, CODE, SEARCH, EDIT))
    text = (text + PROSE * 40)[:4096]
    assert len(parse(text).calls) == 4
    parsing = seconds(lambda: [parse(text) for _ in range(2000)]) / 2000
    with_calls = seconds(lambda: [parse(text).calls for _ in range(2000)]) / 2000
    return {"parse_us": parsing * 1e6, "parse_and_calls_us": with_calls * 1e6, "documents_per_second": 1 / parsing}


MARKS = [SEARCH, CODE, EDIT, LOOSE, "<imgen>", "</imgen>", "<think>", "</think>", "<image>", "```", "~~~", "\n````\n"]
PIECES = [
    *MARKS,
    '{"source": "code"',
    "{'source': 'search'",
    "\\u",
    "d83d",
    "\\ude00",
    "\ud800",
    *'"\\{}</é \n\r`a:,😀',
]


def random_text(rng: random.Random) -> str:
    """Pieces of documents in disorder, with a few characters lost, doubled or replaced."""
    text = "".join(rng.choices(PIECES, k=rng.randrange(12)))
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(PIECES) + text[at + rng.randrange(3) :]
    return text


def fuzz(documents: int, seed: int) -> dict[str, float]:
    """Nothing raises; the pieces join to the text; what is called good can be read, what is called bad cannot."""
    rng = random.Random(seed)
    begin = time.perf_counter()
    tags = bad = 0
    for number in range(documents):
        text, inputs = random_text(rng), rng.randrange(3)
        document = parse(text, inputs, dialect="python" if number % 10 == 0 else "json")
        assert "".join(segment.source for segment in document.segments) == text == str(document), text
        assert [tag.index for tag in document.tags] == list(range(inputs, inputs + len(document.tags))), text
        for call in document.calls:
            assert call.picture_index is None or call.picture_index < inputs + len(document.tags), text
            tags += 1
        for tag in document.bad_tags:
            assert tag.reason, text
            bad += 1
    return {"documents": documents, "tags": tags, "bad_tags": bad, "seconds": time.perf_counter() - begin}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--characters", type=int, default=1_000_000, help="length of the adversarial texts")
    arguments.add_argument("--documents", type=int, default=50_000, help="how many texts the fuzz tries")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()

    rows = list(adversaries(options.characters))
    show(f"{options.characters:,} characters", list(rows[0]), [list(row.values()) for row in rows])
    answer = ordinary()
    show("An answer of 4 KB with four tags", list(answer), [list(answer.values())])
    fuzzed = fuzz(options.documents, options.seed)
    show("Fuzz", list(fuzzed), [list(fuzzed.values())])
    figures = {"adversarial": rows, "ordinary": answer, "fuzz": fuzzed}
    print(record("parser", figures, characters=options.characters, seed=options.seed))


if __name__ == "__main__":
    main()
