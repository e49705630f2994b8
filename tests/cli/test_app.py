"""What holds for every verb, found by walking through all of them."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from app import LEAVES, ROOT, examples, parsed
from rtme.cli.verbs import VERBS
from rtme.errors import RtmeError
from rtme.settings import OTHER_VARIABLES, Settings, variable_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "command.md").read_text(encoding="utf-8")

WITHOUT_JSON = {"bridge", "dashboard"}
"""They show and carry on events: `rtme bridge -` and `rtme watch --json` print the same as lines of JSON."""

ONE_MEANING = {
    "output": {"-o", "--output", "--out"},
    "json": {"--json"},
    "seed": {"--seed"},
    "threads": {"--threads"},
    "engine": {"--engine"},
    "workers": {"--workers"},
}


@pytest.mark.parametrize("words", LEAVES)
def test_each_verb_has_examples_that_can_be_typed(words: str) -> None:
    found = examples(LEAVES[words])
    assert found
    for line in found:
        command, context = parsed(line)
        assert command is LEAVES[words], line
        assert not context.args, line


@pytest.mark.parametrize("words", LEAVES)
def test_each_option_says_what_it_is(words: str) -> None:
    for parameter in LEAVES[words].params:
        assert parameter.name == "help" or parameter.help, parameter.name


@pytest.mark.parametrize("words", sorted(set(LEAVES) - WITHOUT_JSON))
def test_each_result_can_be_had_as_json(words: str) -> None:
    assert "--json" in {name for parameter in LEAVES[words].params for name in parameter.opts}


def test_what_has_no_json_is_told() -> None:
    assert all(f"| `rtme {words}` |" in PAGE for words in WITHOUT_JSON)
    assert all("--json" not in str([p.opts for p in LEAVES[words].params]) for words in WITHOUT_JSON)


@pytest.mark.parametrize("option", ONE_MEANING)
def test_an_option_is_the_same_everywhere(option: str) -> None:
    names = ONE_MEANING[option]
    seen = defaultdict(set)
    for words, command in LEAVES.items():
        for parameter in command.params:
            if names & set(parameter.opts):
                seen[frozenset(parameter.opts), parameter.nargs].add(words)
                if option not in ("output", "json"):
                    seen[parameter.help, 1].add(words)
    kinds = {frozenset(names): 1}
    assert len([key for key in seen if key[0] in kinds]) == 1, seen
    assert len(seen) <= 2, seen


def test_config_show_takes_the_flags_of_live() -> None:
    def settings(words: str) -> set[str]:
        return {p.name for p in LEAVES[words].params} & {*Settings.model_fields, "no_journal"}

    assert settings("config show") == settings("live")


def test_the_lines_of_the_help_say_what_the_verbs_say() -> None:
    for name, verb in VERBS.items():
        command = ROOT.commands[name]
        assert command.help.startswith(verb.summary), name
        assert command.name == name


def test_each_verb_stands_in_a_panel_and_on_the_page() -> None:
    assert list(ROOT.commands) == list(VERBS), "a verb belongs into rtme/cli/verbs.py"
    for name, verb in VERBS.items():
        assert re.search(rf"\| {verb.panel} \|.*`{name}`", PAGE), name


def test_the_page_has_every_exit_code() -> None:
    def errors(kind: type[RtmeError]) -> set[int]:
        return {kind.exit_code}.union(*map(errors, kind.__subclasses__()))

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert told == errors(RtmeError) | {0, 130}


def test_the_page_has_every_variable_and_no_other() -> None:
    told = set(re.findall(r"^\| `(RTME_\w+)` \|", PAGE, re.MULTILINE))
    assert told == {*map(variable_of, Settings.model_fields), *OTHER_VARIABLES}


def commands_in(page: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.startswith("rtme ")]


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_what_the_pages_tell_to_type_can_be_typed(page: Path) -> None:
    for line in commands_in(page):
        if not re.fullmatch(r"rtme --[\w-]+( \w+)?( *#.*)?", line):
            parsed(line)
