"""The sentences offline prompts are made of, as data.

Each wording belongs to one side: what is held out never occurs in a training prompt, though its cue words (really,
compare, imagine, attached, exactly, ...) do, in other sentences. That is what the split measures: understanding a
need, not recognising a sentence.

Slots: `{topic}` "the old lighthouse", `{thing}` "old lighthouse", `{scene}` an imagined scene, `{data}` exact
figures, `{change}` what becomes of a picture, `{picture}` and `{pictures}` a noun, `{n}` how many pictures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from llmi_data.row import Side


@dataclass(frozen=True)
class Wording:
    """One template. Its id follows from its text, so that an edit makes it a new wording."""

    id: str
    text: str
    side: Side


@dataclass(frozen=True)
class Wordings:
    """Templates with one purpose, for both sides; the vague ones are those a careful reader may take otherwise."""

    clear: tuple[Wording, ...]
    vague: tuple[Wording, ...] = ()

    def on(self, side: Side) -> tuple[Wording, ...]:
        return tuple(w for w in self.clear if w.side == side)

    def vague_on(self, side: Side) -> tuple[Wording, ...]:
        return tuple(w for w in self.vague if w.side == side)


def _lines(purpose: str, text: str, side: Side) -> tuple[Wording, ...]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return tuple(
        Wording(f"{purpose}/{hashlib.sha256(line.encode()).hexdigest()[:6]}", line, side) for line in lines if line
    )


def wordings(purpose: str, train: str, held_out: str, vague: tuple[str, str] = ("", "")) -> Wordings:
    """Templates from text, one a line; their ids begin with the purpose."""
    return Wordings(
        clear=_lines(purpose, train, "train") + _lines(purpose, held_out, "test"),
        vague=_lines(purpose, vague[0], "train") + _lines(purpose, vague[1], "test"),
    )


OPENINGS = wordings(
    "opening",
    """
    Write a short page for {audience} about {topic}: {angle}.
    Prepare a brief leaflet on {topic} for {audience}, telling them {angle}.
    We want a friendly article about {topic} for {audience}. It should explain {angle}.
    Please write a few paragraphs for {audience} on {topic} and {angle}.
    Our newsletter for {audience} wants a piece about {topic}: say {angle}.
    Draft a lively blog post on {topic} that tells {audience} {angle}.
    Compose a handout about {topic} for {audience}. Explain {angle}.
    I am putting together a booklet for {audience}; write the part about {topic} and {angle}.
    Help me with a wall panel on {topic} that explains to {audience} {angle}.
    Write a column on {topic}, so that {audience} learn {angle}.
    A magazine for {audience} asked me for a text on {topic}: {angle}.
    Give {audience} a clear, warm introduction to {topic} and {angle}.
    """,
    """
    Write a guide to {topic} for {audience} that explains {angle}.
    Please prepare an article on {topic}: tell {audience} {angle}.
    Our booklet wants a short text about {topic}, so that {audience} learn {angle}.
    Draft a leaflet for {audience} about {topic} and {angle}.
    """,
)

TONES = wordings(
    "tone",
    """
    Keep the tone warm and plain, since most of them will read it on a busy day.
    Short sentences are best, and nothing should sound like an advertisement.
    Write as if you were talking to a good neighbour over the garden fence.
    Be accurate but light, and end with something that stays in the mind.
    """,
    """
    Keep sentences plain and short, as if you were talking to a friend on a busy day.
    Be warm and accurate, and let nothing sound like a lecture.
    """,
)

NEEDS: dict[str, Wordings] = {
    "search": wordings(
        "search",
        """
        Readers should see what {topic} really looks like.
        Show {topic} as it really is today.
        Let people see a real view of {topic}.
        They want to know what {topic} looks like in real life.
        Give a true view of {topic} as it stands today.
        Make sure the reader sees how {topic} really looks today.
        It matters that {topic} is shown just as it really is.
        People will ask what {topic} looks like, so let them see the real one.
        Show the real {thing} that exists today.
        Those who have never met the real {thing} should see it.
        Nobody should have to guess: show how {topic} truly looks.
        Let the reader see {topic} as it looks in real life.
        The real {thing}, as it looks today, should be seen here.
        """,
        """
        Those who never met {topic} should see how it really looks.
        Let everyone see the real {thing} as it stands today.
        Show readers {topic} as it truly looks in real life.
        People want to see what the real {thing} looks like today.
        """,
        vague=("Show {topic} at its best.", "Let the reader see {topic}."),
    ),
    "diffusion": wordings(
        "diffusion",
        """
        Imagine {scene}, a dreamlike sight nobody has ever seen.
        Show a dreamlike scene that nobody has ever seen: {scene}.
        Include an imagined scene: {scene}.
        As in a story, imagine {scene} and let readers see it.
        Readers should see an invented scene, as in a story: {scene}.
        Bring to life a scene from a dream: {scene}.
        Show what one can only imagine: {scene}.
        Invent a dreamlike view of {scene}.
        There should be a fantasy to behold: {scene}, as if in a story.
        Let us imagine {scene}, as in a fairy tale.
        Show {scene}, a sight that exists only in dreams.
        Nobody has seen it, so imagine it for them: {scene}.
        Show an invented world to dream about: {scene}.
        """,
        """
        Ask readers to imagine a dreamlike sight: {scene}.
        Show an invented story scene that nobody has ever seen: {scene}.
        Let readers see a dreamlike scene that exists only in dreams: {scene}.
        Include a fantasy that one can only imagine: {scene}.
        """,
        vague=("Think of {scene} for the mood.", "The mood to aim for is {scene}."),
    ),
    "code": wordings(
        "code",
        """
        {data}; let the reader compare the figures at a glance.
        {data}. Show how these numbers change.
        Let readers compare these figures: {data}.
        Let people see how the numbers change: {data}.
        The numbers are exact: {data}. Make them easy to compare.
        Show these exact figures side by side: {data}.
        {data}; the reader should see at a glance how the figures change.
        Make it easy to see which number is highest: {data}.
        Here are the figures: {data}. Let people compare them.
        Show the exact numbers so that they are easy to compare: {data}.
        {data}. Let the change in the figures be seen at a glance.
        Readers should see at a glance how these numbers compare: {data}.
        {data}: show these figures so that every change is easy to see.
        """,
        """
        Readers want to compare these numbers at a glance: {data}.
        {data}. Make the change in these figures easy to see.
        Show at a glance how the exact figures compare: {data}.
        {data}; let people see which of these numbers is highest.
        """,
        vague=("Mention in passing that {data}.", "You may quote this: {data}."),
    ),
    "edit": wordings(
        "edit",
        """
        Use the attached {picture}, but {change}.
        Show the attached {picture} again, {change}.
        I attached a {picture}: show it {change}.
        Take the {picture} I have given and show it {change}.
        The attached {picture} should appear {change}.
        Put in the {picture} given here, but {change}.
        Please bring back the attached {picture} {change}.
        Include my attached {picture}, only {change}.
        The {picture} given with this note should come back {change}.
        Let readers see the {picture} I attached, but {change}.
        My own {picture} is attached; show it {change}.
        The given {picture} belongs here too, but {change}.
        Work from the attached {picture}: it should be {change}.
        Show the {picture} given above once more, {change}.
        """,
        """
        Bring the attached {picture} back to the page, but {change}.
        Let the {picture} I attached appear {change}.
        The {picture} given above belongs here, only {change}.
        Show my own attached {picture} to readers, but {change}.
        """,
        vague=("The attached {picture} may give you ideas.", "Feel inspired by the {picture} I attached."),
    ),
}
"""What a prompt says when it needs a tool; never the tool's name."""

CHANGES: dict[str, Wordings] = {
    edit: wordings(edit.replace(" ", "-"), train, held_out)
    for edit, train, held_out in (
        ("black and white", "in black and white\nwithout its colours, in black and white", "all in black and white"),
        ("sepia", "in sepia tones\nin old brown sepia", "in warm sepia"),
        ("rotate", "turned on its side\nrotated by a quarter turn", "rotated onto its side"),
        ("flip", "flipped left to right\nmirrored from left to right", "flipped like in a mirror"),
        ("brighten", "brightened a little\nmade brighter", "a little brighter"),
        ("darken", "darkened a little\nmade darker", "a little darker"),
        ("blur", "softly blurred\nwith a gentle blur", "gently blurred"),
        ("crop", "cropped to its middle\ncropped closer", "cropped to the middle part"),
        ("border", "with a border around it\nin a thin border", "with a thin border around"),
        ("invert", "with its colours inverted\nin inverted colours", "with all colours inverted"),
    )
}
"""Changes the offline editor understands, and how a person puts them."""

NO_PICTURES = wordings(
    "none",
    """
    No {pictures} at all, please.
    Words only, please.
    Use words alone, without any {pictures}.
    There should be no {pictures}.
    Leave out {pictures} altogether.
    Please leave {pictures} out.
    No {pictures}, only text.
    Plain text without {pictures}, please.
    It must do without {pictures}.
    Keep it to text, with no {pictures}.
    Only words: no {pictures} of any kind.
    Do not include any {pictures}.
    Text alone will do, without {pictures}.
    """,
    """
    Text only, with no {pictures} at all.
    Please use no {pictures}, just words.
    Words alone will do, without {pictures}.
    Plain text will do; leave {pictures} out.
    """,
    vague=("Text matters more than {pictures} here.", "Do not bother much with {pictures}."),
)

ANY_PICTURES = wordings(
    "any",
    """
    Illustrate it if it helps.
    {pictures} are welcome but not needed.
    Add {pictures} where they help.
    Use as many {pictures} as you like, or none.
    Use {pictures} if you wish.
    You decide how many {pictures} there are.
    {pictures} may be added if useful.
    How many {pictures} is up to you.
    Feel free to illustrate it.
    Add {pictures} if you like.
    Whether there are {pictures} is up to you.
    """,
    """
    Illustrate it if you like.
    You may add {pictures} if they help.
    How many {pictures} there are is for you to decide.
    {pictures} are welcome if useful.
    """,
)

AT_LEAST_ONE = wordings(
    "at-least-one",
    """
    Include at least one {picture}.
    Use one or more {pictures}.
    At least one {picture} is needed.
    There should be one {picture} or more.
    Have at least one {picture} somewhere.
    It needs one or more {pictures}.
    Add at least one {picture}; more are welcome.
    One {picture} or more, please.
    Please put in at least one {picture}.
    I want one or more {pictures} in it.
    At least one {picture}, and more if you like.
    """,
    """
    Give it at least one {picture}.
    One or more {pictures} should be there.
    Please have one {picture} or more.
    It should have at least one {picture}, or more.
    """,
    vague=("A {picture} would be nice.", "Some {picture} would not hurt."),
)

EXACTLY = wordings(
    "exactly",
    """
    Use exactly {n} {pictures}.
    {n} {pictures}, no more and no fewer.
    Put in {n} {pictures}.
    There should be exactly {n} {pictures}.
    I want {n} {pictures} in all.
    Include {n} {pictures}.
    {n} {pictures} in total.
    It needs {n} {pictures}.
    Exactly {n} {pictures}, please.
    Make room for {n} {pictures}.
    Please add {n} {pictures}.
    It should have {n} {pictures}.
    With {n} {pictures}, please.
    """,
    """
    Exactly {n} {pictures} in total, please.
    Put in {n} {pictures} in all.
    There should be {n} {pictures} in total.
    I want exactly {n} {pictures}.
    """,
    vague=("About {n} {pictures} should do.", "Perhaps {n} {pictures}, more or less."),
)
"""For every exact count: the number is in the slot, so that what is learned of one count serves the others."""

GROUPS: dict[int, Wordings] = {
    1: wordings("one", "A single {picture}, please.\nJust one {picture}.", "Only a single {picture}."),
    2: wordings(
        "two", "A pair of {pictures}, please.\nInclude a pair of {pictures}.", "There should be a pair of {pictures}."
    ),
    3: wordings(
        "three", "A trio of {pictures}, please.\nInclude a trio of {pictures}.", "There should be a trio of {pictures}."
    ),
    4: wordings(
        "four",
        "A set of four {pictures}, please.\nA group of four {pictures}.",
        "There should be a set of four {pictures}.",
    ),
}
"""Words for small numbers that need no number."""
