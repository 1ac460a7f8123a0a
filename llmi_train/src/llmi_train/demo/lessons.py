"""The warm-up's lessons: from reading a short request to writing whole documents, each a little harder.

A model this small learns to take a number from a prompt within a few hundred steps when prompts and answers are short,
and in no time that a demo has when both are long from the start.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle, islice

from llmi_data import Row
from llmi_train.demo.demonstrations import demonstration, outline, request
from llmi_train.demo.settings import Settings
from llmi_train.sft import Pair, in_batches_of_like_length

BATCH = 16


def lessons(rows: Sequence[Row], size: Settings, rng: random.Random) -> list[Pair]:
    """(prompt, document) pairs in the order in which they are taught, in batches of `BATCH`."""
    right = [(row, demonstration(row, rng)) for row in rows]
    mixed = [(row, demonstration(row, rng, careful=rng.random() < size.careful)) for row in rows]
    taught = (
        ([(request(row), outline(document)) for row, document in right], size.request_steps),
        ([(row.text, outline(document)) for row, document in right], size.outline_steps),
        ([(row.text, document) for row, document in right], size.document_steps),
        ([(row.text, document) for row, document in mixed], size.careless_steps),
    )
    ordered = ((in_batches_of_like_length(pairs, BATCH, rng), steps) for pairs, steps in taught)
    return [pair for pairs, steps in ordered for pair in islice(cycle(pairs), BATCH * steps)]
