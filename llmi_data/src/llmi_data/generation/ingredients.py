"""What a request is composed around, so that a thousand of them are not alike: held as data, drawn from a row's seed.

Occasions are held out as families are in the offline generator: those of test rows never occur in training rows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from llmi_data.plan import Assignment
from llmi_data.row import Side

_DOMAINS = """
astronomy; birds and insects; mountains and rivers; the sea and its creatures; weather and climate;
gardening; farming and food; cooking and baking; health and exercise; the human body; local history;
ancient civilisations; archaeology; maps and exploration; engineering and bridges;
trains, ships and aircraft; energy; materials and crafts; clothing and textiles; furniture and interiors;
architecture; painting and sculpture; music and instruments; theatre and dance; festivals and customs;
folk tales; books and writing; languages; sport; board games; travel; city life; shops and markets;
household money; work and careers; schools; childhood; pets; neighbourhood projects; nature conservation
"""
DOMAINS = tuple(" ".join(domain.split()) for domain in _DOMAINS.split(";"))
"""Fields that requests come from where the plan leaves it open."""

_OCCASIONS = """
a teacher prepares a handout for tomorrow's lesson
a club secretary fills two columns of the newsletter
a grandparent writes a birthday letter to a curious child
a small museum needs the text of a wall panel
a volunteer trains newcomers and wants something to hand out
a shopkeeper wants a page for the counter
a journalist drafts a feature for the weekend pages
a student explains a subject to the rest of the class
a guide prepares what to tell a group of visitors
a parent settles an argument at the kitchen table
a librarian puts together a display of one theme
a hobbyist answers a question that keeps coming up
a town council explains a decision to residents
a charity reports to the people who gave money
a host writes the programme of an evening
a retired expert records what should not be forgotten
a workshop leader writes instructions for beginners
a landlady leaves notes for her guests
an editor commissions an encyclopaedia entry for young readers
a manager sums up the season for the staff
a couple plans a journey and wants to persuade friends
a doctor's practice wants a page for the waiting room
a publisher tries out a chapter of a picture book
a scientist explains recent work to neighbours
a coach prepares the team's notice board
a tenants' association writes to the owners
a festival prints a booklet for every visitor
a blogger returns to a subject after years
a collector describes a favourite piece to other collectors
a school magazine interviews nobody and imagines everything
"""

_HELD_OUT = """
a community radio station turns a broadcast into a page
a night porter writes a small guide out of boredom
a choir wants words for the programme of its concert
a pilot tells children about the work
a seed library writes the card that goes with a packet
a translator asks for a sample text to practise on
a ferry company fills the screen in its lounge
a beekeeper answers letters from a school
"""

VOICES = (
    "warm and a little long-winded",
    "brisk, in a hurry",
    "formal and polite",
    "chatty, with an aside about the writer's own life",
    "precise, almost pedantic",
    "modest, thinking aloud",
    "enthusiastic",
    "dry and humorous",
    "plain, in short sentences",
    "thoughtful, with one question in it",
)


@dataclass(frozen=True)
class Ingredients:
    """Attributes:
    domain: what the request is about.
    occasion: who asks, and what for; the family of the row.
    voice: how it sounds.
    """

    domain: str
    occasion: str
    voice: str


def occasions(side: Side) -> tuple[str, ...]:
    """Those that rows on one side of a split may have."""
    return tuple((_HELD_OUT if side == "test" else _OCCASIONS).strip().splitlines())


def draw(assignment: Assignment, rng: random.Random) -> Ingredients:
    """Each drawn evenly."""
    return Ingredients(
        domain=assignment.domain or rng.choice(DOMAINS),
        occasion=rng.choice(occasions(assignment.side)),
        voice=rng.choice(VOICES),
    )
