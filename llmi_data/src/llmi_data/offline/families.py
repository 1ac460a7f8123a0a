"""What the offline prompts are about: scenario families, each with topics, angles, imagined scenes and figures.

Families are held out as a whole: a held-out family shares no topic, angle, scene or series with a training one.
Every topic names one thing in the singular, and ends with one of `SUBJECTS`, everyday things any search for pictures
knows; no subject occurs twice in a family, so that a document can show several different ones.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """A kind of series: what is counted, under which labels, between which values (never below 10)."""

    title: str
    labels: tuple[str, ...]
    low: int
    high: int

    @property
    def preposition(self) -> str:
        """What stands before a label: 120 in spring, 90 on Monday, 40 for pies."""
        return _PREPOSITIONS.get(self.labels, "for")


@dataclass(frozen=True)
class Family:
    """Scenarios of one kind. A scene is what happens to the topic: `the old lighthouse` + `afloat in the clouds`."""

    name: str
    audience: str
    topics: tuple[str, ...]
    angles: tuple[str, ...]
    scenes: tuple[str, ...]
    figures: tuple[Figures, ...]
    held_out: bool = False


_SEASONS = ("spring", "summer", "autumn", "winter")
_MONTHS = ("January", "February", "March", "April")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday")
_YEARS = ("2021", "2022", "2023", "2024")
_TOWNS = ("Leeds", "York", "Derby", "Bath")
_TIMES = ("dawn", "noon", "dusk", "night")
_QUARTERS = ("the first quarter", "the second", "the third", "the last")
_PREPOSITIONS: dict[tuple[str, ...], str] = {
    _SEASONS: "in",
    _MONTHS: "in",
    _DAYS: "on",
    _YEARS: "in",
    _TOWNS: "in",
    _TIMES: "at",
    _QUARTERS: "in",
}

SUBJECTS = (
    *("aeroplane", "apple", "balloon", "bicycle", "bread", "bridge", "butterfly", "cabin", "cactus", "cake", "car"),
    *("castle", "cat", "coffee", "drum", "elephant", "fox", "globe", "guitar", "lighthouse", "market stall"),
    *("microscope", "mushroom", "oak", "owl", "palm", "penguin", "piano", "pyramid", "rocket", "sailing boat"),
    *("steam locomotive", "sunflower", "telescope", "tower", "tram", "tulip", "violin", "volcano", "waterfall"),
    *("whale", "windmill"),
)


def subject(topic: str) -> str:
    """What a topic is, without its particulars: "the old lighthouse" is a lighthouse."""
    return next(thing for thing in SUBJECTS if topic.endswith(f" {thing}"))


def _family(
    name: str,
    audience: str,
    topics: str,
    angles: str,
    scenes: str,
    *figures: Figures,
    held_out: bool = False,
) -> Family:
    def items(text: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in text.split(";"))

    return Family(name, audience, items(topics), items(angles), items(scenes), figures, held_out)


FAMILIES: tuple[Family, ...] = (
    _family(
        "travel",
        "weekend travellers",
        "the old lighthouse; the arched bridge; the hill castle; "
        "the village windmill; the forest waterfall; the smoking volcano",
        "how to get there; what the air smells of; who built the path to it; when the crowds are gone",
        "afloat above the clouds; made of sea glass; at the bottom of the ocean; carried by a giant bird",
        Figures("visitors", _SEASONS, 80, 400),
        Figures("ferry trips", _MONTHS, 12, 90),
    ),
    _family(
        "cooking",
        "home cooks",
        "the country bread; the baking apple; the wild mushroom; the birthday cake; the spice market stall",
        "how to choose it; where it came from; what grandmothers said of it; how to keep it fresh",
        "as big as a house; growing on a tree of sugar; dancing with the spoons; sailing a river of soup",
        Figures("loaves sold", _DAYS, 20, 160),
        Figures("minutes in the oven", ("rolls", "pies", "tarts", "loaves"), 12, 75),
    ),
    _family(
        "natural history",
        "young naturalists",
        "the barn owl; the red fox; the emperor penguin; the bush elephant; the blue whale; the giant cactus",
        "how it survives the cold months; what it feeds on; why it was once feared; how it raises its young",
        "wearing a crown of stars; reading by candlelight; crossing a desert of snow; asleep on the moon",
        Figures("sightings", _YEARS, 15, 220),
        Figures("young counted", _TOWNS, 10, 95),
    ),
    _family(
        "school science",
        "a science class",
        "the classroom telescope; the model volcano; the first microscope; "
        "the desert cactus; the painted globe; the prize sunflower",
        "what makes it work; which question it answers; how to keep notes on it; what went wrong last year",
        "shrunk into a drop of water; run by tiny robots; glowing in a cave of crystal; riding a comet",
        Figures("grams measured", ("the first trial", "the second", "the third", "the last"), 30, 300),
        Figures("pupils taking part", _YEARS, 18, 120),
    ),
    _family(
        "music",
        "a concert audience",
        "the folk guitar; the village violin; the concert piano; the marching drum",
        "who played it first; how its sound is made; why listeners love it; what the critics wrote",
        "growing out of a tree; playing itself at midnight; melting into coloured rain; drifting through space",
        Figures("tickets sold", _DAYS, 90, 600),
        Figures("hours of practice", _MONTHS, 20, 80),
    ),
    _family(
        "transport",
        "daily passengers",
        "the city tram; the night steam locomotive; the folding bicycle; the river sailing boat; the railway bridge",
        "how it shortened the journey; who keeps it running; what a ticket costs; why it was nearly given up",
        "rolling along a rainbow; pulled by a team of dragons; stopping at the stars; winding through a city of ice",
        Figures("passengers", _TIMES, 100, 900),
        Figures("minutes of delay", _DAYS, 10, 60),
    ),
    _family(
        "children's library",
        "small children",
        "the sleepy cat; the clever fox; the lost penguin; the haunted castle; the shy butterfly; the kind elephant",
        "how it made a friend; what it was afraid of; where it hid the key; why it came home late",
        "flying on a carpet of leaves; inside a snow globe; at a tea party under the sea; painting the sunset",
        Figures("books borrowed", _MONTHS, 40, 260),
        Figures("children at the reading hour", _DAYS, 10, 55),
    ),
    _family(
        "city council",
        "local residents",
        "the new tram; the pedestrian bridge; the weekly market stall; "
        "the shared bicycle; the restored windmill; the old oak",
        "what was decided about it; who pays for it; how it helps the neighbours; what comes next",
        "in a town of floating gardens; covered in giant flowers; a thousand years from now; built of paper and light",
        Figures("complaints received", _MONTHS, 14, 130),
        Figures("users", _TOWNS, 60, 480),
    ),
    _family(
        "gardening",
        "keen gardeners",
        "the striped tulip; the tall sunflower; the shade mushroom; "
        "the potted cactus; the balcony palm; the crab apple",
        "when to plant near it; how much water it wants; which pests to watch for; what to do in frost",
        "singing to the moon; taller than a mountain; with petals of glass; guarded by a sleeping giant",
        Figures("litres of water", _SEASONS, 15, 140),
        Figures("blooms counted", _MONTHS, 12, 99),
    ),
    _family(
        "ancient history",
        "museum guests",
        "the desert pyramid; the ruined tower; the crusader castle; the Viking sailing boat; the war elephant",
        "who ordered it; how the stones were moved; what the diggers found; why it was forgotten",
        "rising from a sea of sand and stars; guarded by a golden sphinx; "
        "frozen in amber; hanging upside down in the sky",
        Figures("finds catalogued", _YEARS, 25, 310),
        Figures("workers on the site", _SEASONS, 30, 250),
    ),
    _family(
        "farm life",
        "farm shop customers",
        "the orchard apple; the barn cat; the meadow mushroom; "
        "the roadside market stall; the hilltop windmill; the field sunflower",
        "how the day begins with it; what the old farmer says; when the harvest starts; how it earns its keep",
        "in a field of blue fire; ploughing the clouds; ruled by a parliament of hens; under two purple suns",
        Figures("crates filled", _DAYS, 16, 110),
        Figures("eggs collected", _MONTHS, 200, 900),
    ),
    _family(
        "polar voyages",
        "armchair explorers",
        "the king penguin; the humpback whale; the snowy owl; "
        "the arctic fox; the whaler's sailing boat; the frozen waterfall",
        "how the crew met it; what the captain's log says; how far south it was seen; what the silence was like",
        "lit from inside like a lantern; in a palace of northern lights; on an island that walks; made of spun ice",
        Figures("miles covered", _DAYS, 20, 140),
        Figures("days of storm", _SEASONS, 10, 60),
    ),
    _family(
        "energy",
        "curious householders",
        "the electric tram; the pumping windmill; the cargo bicycle; "
        "the coal-fired steam locomotive; the sleeping volcano",
        "how much power it takes; what engineers argue about; how it cuts the bills; where the heat goes",
        "powered by laughter; wrapped in threads of lightning; on a planet of wind; dreaming inside a giant battery",
        Figures("kilowatt hours", _SEASONS, 120, 800),
        Figures("homes supplied", _TOWNS, 50, 700),
    ),
    _family(
        "country inns",
        "hotel guests",
        "the breakfast bread; the afternoon coffee; the seaside lighthouse; "
        "the lakeside cabin; the garden waterfall; the fireside cat",
        "where to find it in the house; how the staff care for it; what guests write about it; when to come for it",
        "in a hotel on the back of a whale; welcoming guests from the moon; "
        "served by polite ghosts; in a valley of velvet",
        Figures("guests", _MONTHS, 40, 280),
        Figures("cups served", _TIMES, 15, 190),
    ),
    _family(
        "company report",
        "shareholders",
        "our family car; our electric bicycle; our beginner's guitar; our travel telescope; our sourdough bread",
        "how it did against rivals; what customers ask for; where it is made; what the board plans",
        "orbiting a planet of gold; in a factory run by clouds; grown in a garden of gears; on a throne of feathers",
        Figures("units sold", _QUARTERS, 120, 950),
        Figures("returns", _YEARS, 11, 85),
        held_out=True,
    ),
    _family(
        "sports club",
        "club members",
        "the racing bicycle; the regatta sailing boat; the club balloon; the mascot fox; the training bridge",
        "how to book it; what the coach expects; who won with it; how beginners get started",
        "racing against the wind itself; on a track around the sun; "
        "in a stadium of waterfalls; cheered by marble statues",
        Figures("points scored", ("Reds", "Blues", "Greens", "Whites"), 20, 140),
        Figures("members training", _DAYS, 12, 75),
        held_out=True,
    ),
    _family(
        "astronomy",
        "night-sky watchers",
        "the mountain telescope; the moon rocket; the star-aligned pyramid; "
        "the dark-sky lighthouse; the moonlit castle; the night owl",
        "when to come out and watch; how it marks the solstice; what the ancients believed; how to dress for it",
        "balanced on the rings of Saturn; woven from starlight; swallowed by a friendly comet; inside a bottled galaxy",
        Figures("meteors counted", _TIMES, 11, 130),
        Figures("clear nights", _SEASONS, 10, 70),
        held_out=True,
    ),
    _family(
        "crafts",
        "hobby makers",
        "the hand-carved violin; the carved drum; the paper butterfly; "
        "the toy aeroplane; the knitted cat; the wooden windmill",
        "which wood or wool to choose; how long the work takes; what beginners get wrong; how to sell it",
        "mending the sky with thread; in a workshop of fireflies; assembled by mice at midnight; unfolding into a city",
        Figures("pieces finished", _MONTHS, 10, 64),
        Figures("hours at the bench", ("carving", "sanding", "painting", "polishing"), 12, 48),
        held_out=True,
    ),
    _family(
        "animal shelter",
        "new volunteers",
        "the rescued fox; the shelter cat; the orphaned elephant; the tame owl; the hand-reared penguin",
        "how to feed it; what frightens it; how it was found; when it may go home",
        "as mayor of a tiny town; conducting an orchestra of rain; "
        "knitting a scarf for the wind; in a castle of blankets",
        Figures("animals taken in", _SEASONS, 14, 120),
        Figures("kilos of food", _DAYS, 25, 210),
        held_out=True,
    ),
    _family(
        "harbour festival",
        "festival goers",
        "the parade sailing boat; the harbour tram; the fish market stall; "
        "the pier lighthouse; the swing bridge; the visiting whale",
        "where to stand for it; who opens the day with it; how the festival began; what to eat nearby",
        "towed by seahorses; lit by jellyfish lamps; in a harbour of liquid silver; ringed by singing mermaids",
        Figures("boats moored", _TIMES, 14, 96),
        Figures("plates served", ("mussels", "herring", "crab", "soup"), 40, 330),
        held_out=True,
    ),
)
"""All families, training ones first."""
