"""Scores samples with a judge; the process that the chaos test kills.

    python chaos_worker.py URL JOURNAL SAMPLES CONCURRENCY

Prints one JSON line per sample as it is scored: its number, the value or null, the reason.
"""

import asyncio
import json
import sys

from llmi_reward import Sample
from llmi_reward.chat import ChatClient, Endpoint, Retries
from llmi_reward.judges import LLMJudge
from llmi_schema import Constraint, RenderedDocument, parse


async def main(url: str, journal: str, samples: int, concurrency: int) -> None:
    settings = {"attempt_seconds": 4.0, "deadline_seconds": 20.0, "retries": Retries(attempts=4, first_seconds=0.01)}
    async with ChatClient(Endpoint(url, "m"), concurrency=concurrency, journal=journal, **settings) as chat:
        judge = LLMJudge(chat)

        async def score(number: int) -> None:
            document = RenderedDocument(document=parse(f"Foxes, part {number}."), results=())
            found = await judge(Sample("Write about foxes.", document, Constraint()))
            print(json.dumps([number, found.value, found.reason]), flush=True)

        await asyncio.gather(*(score(number) for number in range(samples)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
