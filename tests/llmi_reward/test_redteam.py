"""Attacks: our rules hold against all of them, and every one of them pays against some careless reward."""

import json
import re

import pytest

from llmi_reward import (
    ImageCountReward,
    Length,
    NoDuplicatePictures,
    Placement,
    Score,
    TagFormat,
    ToolUse,
    presets,
)
from llmi_reward.redteam import ATTACKS, FAMILIES, attack_reward

RULES = [
    presets.rules(),
    presets.rules(strict=True),
    TagFormat(),
    ImageCountReward(),
    ToolUse(),
    NoDuplicatePictures(),
    Length(200),
    Placement(),
]


@pytest.fixture(scope="module")
def run():
    """The command, where its extra is installed."""
    testing = pytest.importorskip("typer.testing")
    from llmi_reward.cli import app

    return lambda *arguments: testing.CliRunner().invoke(app, ["redteam", *arguments])


def source(sample):
    return str(sample.parsed)


# What people write at first: each is one way to take something for a picture, a call, or a verdict.
CARELESS = {
    "counts marks of pictures": lambda s: len(
        re.findall(r"<image>|!\[|<img |image_pad|Figure \d|\[IMG|\[picture|🦊", source(s))
    ),
    "counts open tags": lambda s: source(s).count("imgen"),
    "pays for characters": lambda s: len(source(s)),
    "pays for prose": lambda s: len(s.parsed.text),
    "counts pictures, repeats too": lambda s: sum(result.ok for _, result in s.results),
    "counts closed tags": lambda s: len(s.tags),
    "pays for failed tools": lambda s: any(not result.ok for _, result in s.results),
    "looks for the tool's name": lambda s: any(tool in source(s) for tool in s.constraint.required_tools),
    "believes what it reads": lambda s: bool(re.search(r"5|100|full marks|highest|perfect|满分", source(s))),
    "does not mind the end": lambda s: not s.finished,
}


def test_there_are_sixty_attacks_in_ten_families_at_least():
    assert len(ATTACKS) >= 60
    assert len(FAMILIES) >= 10
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("reward", RULES, ids=repr)
def test_no_trick_pays_against_a_rule(reward):
    report = attack_reward(reward)
    assert [(a.attack.id, a.honest, a.attacked, a.message) for a in report.breaches] == []
    assert len(report.attempts) == len(ATTACKS)
    assert all(attempt.verdict == "held" for attempt in report.attempts)


def test_every_attack_pays_against_some_careless_reward():
    """An attack that nothing falls for would prove nothing by failing."""
    paid = {attempt.attack.id for reward in CARELESS.values() for attempt in attack_reward(reward).breaches}
    assert paid == {attack.id for attack in ATTACKS}


@pytest.mark.parametrize("name", CARELESS)
def test_every_careless_reward_is_caught(name):
    assert attack_reward(CARELESS[name]).breaches


def test_a_reward_that_pays_for_outages_is_caught_and_one_that_leaves_them_unscored_is_not():
    def down(sample):
        return any(result.reason == "unavailable" for _, result in sample.results)

    outages = [attack for attack in ATTACKS if attack.family == "outages"]
    assert len(attack_reward(lambda s: 1.0 if down(s) else 0.5, outages).breaches) >= 5
    assert not attack_reward(lambda s: None if down(s) else 0.5, outages).breaches


def test_rewards_may_be_async_and_may_fail():
    async def score(sample):
        return Score(0.5)

    def fails(sample):
        raise KeyError("no such column")

    some = ATTACKS[:3]
    assert [attempt.verdict for attempt in attack_reward(score, some).attempts] == ["held"] * 3
    report = attack_reward(fails, some)
    assert [attempt.verdict for attempt in report.attempts] == ["raised"] * 3
    assert report.attempts[0].message == "KeyError: 'no such column'"
    assert [attempt.verdict for attempt in attack_reward(lambda s: None, some).attempts] == ["no_baseline"] * 3


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"reward_of_{re.sub(r'[^a-z]', '_', tmp_path.name)}"
    (tmp_path / f"{name}.py").write_text(
        "from llmi_reward import TagFormat\n"
        "good = TagFormat()\n"
        "def made(): return TagFormat()\n"
        "async def literal(sample):\n"
        "    from llmi_reward import Score\n"
        "    return Score(float(str(sample.parsed).count('<image>')))\n"
    )
    return name


def test_the_command_reports_and_fails_where_a_trick_pays(module, tmp_path, run):
    for name in (f"{module}:good", f"{module}:made", "rules"):
        assert run(name).exit_code == 0, name
    done = run(f"{module}:literal", "--family", "placeholders", "--report", "report.json")
    assert done.exit_code == 1
    assert "placeholders/literal image words" in done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["attacks"] == 10
    assert report["breaches"] == len([a for a in report["attempts"] if a["verdict"] == "breach"]) >= 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "neither a preset (rules, llmi, "),
        (["no_such_module:x"], "no module 'no_such_module'"),
        (["json:nothing"], "has no 'nothing'"),
        (["rules", "--family", "magic"], "no family magic"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, said, run):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output


pytest_plugins = ["pytester"]


def test_the_plugin_runs_one_test_per_attack(pytester):
    pytester.makepyfile(
        """
        from llmi_reward import presets

        def test_rules(redteam_attack):
            assert redteam_attack.held(presets.rules())

        def test_careless(redteam_attack):
            assert redteam_attack.held(lambda sample: float(str(sample.parsed).count("<image>")))
        """
    )
    families = "placeholders,outages"
    chosen = [attack for attack in ATTACKS if attack.family in families.split(",")]
    result = pytester.runpytest_subprocess("--redteam-families", families, "-p", "no:cacheprovider")
    outcome = result.parseoutcomes()
    assert outcome["passed"] + outcome["failed"] == 2 * len(chosen)
    assert 3 <= outcome["failed"] <= 10
    result.stdout.fnmatch_lines(["*placeholders/literal image words: breach: it earned 3*"])
