"""--tags and --newest: which of a repository's tags are looked at."""

import json

import pytest

from mfl_lint.cli.tags import TagChoice
from tests.builders import image, index, place
from tests.cli.conftest import Command
from tests.fault_registry import FaultRegistry

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
TAGS = ("v1.0", "v1.1", "v2.0", "v2.0-alpine", "latest")


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (TagChoice(every=True), TAGS),
        (TagChoice(globs=("v1*",)), ("v1.0", "v1.1")),
        (TagChoice(globs=("v1.0", "lat*")), ("v1.0", "latest")),
        (TagChoice(newest=1), ("v2.0", "v2.0-alpine", "latest")),
        (TagChoice(globs=("v*",), newest=2), ("v1.1", "v2.0", "v2.0-alpine")),
    ],
)
def test_a_choice_is_made_of_the_listing(choice: TagChoice, chosen: tuple[str, ...]) -> None:
    assert (True, chosen) == (choice.lists, choice.chosen(TAGS))


def test_without_a_choice_nothing_is_listed() -> None:
    assert not TagChoice().lists


def _scanned(command: Command, *arguments: str) -> list[str]:
    ran = command("scan", *arguments, "--format", "json")
    assert 0 == ran.code
    return sorted(x["reference"].partition("/")[2] for x in json.loads(ran.out)["targets"])


def test_only_the_chosen_tags_are_looked_at(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, *TAGS)
    name = f"{served.host}/team/app"
    found = _scanned(command, name, "--tags", "v1.*", "--tags", "late*")
    assert ["team/app:latest", "team/app:v1.0", "team/app:v1.1"] == found
    found = _scanned(command, f"{served.host}/team/*", "--newest", "1", "--tags", "v*")
    assert ["team/app:v2.0", "team/app:v2.0-alpine"] == found
    # What is named with its tag is looked at whatever else is chosen.
    found = _scanned(command, f"{name}:v1.0", "--tags", "v2.0")
    assert ["team/app:v1.0", "team/app:v2.0"] == found


def test_a_glob_that_no_tag_matches_is_3(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", f"{served.host}/team/app", "--tags", "v9*")
    assert (3, True) == (ran.code, "none of its tags matches v9*" in ran.out)


def test_docker_hub_has_no_catalogue_and_it_is_said_what_to_do(command: Command) -> None:
    ran = command("scan", "docker.io/team/*")
    assert (3, True) == (
        ran.code,
        "one a line in a file for `mfl-lint scan -f`"
        in " ".join(ran.out.replace("│", " ").split()),
    )


def test_a_repository_without_such_a_tag_among_others_is_a_note(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    place(served.demo, "team/web", GOOD, "latest")
    name = f"{served.host}/team/*"
    ran = command("scan", name, "--tags", "v*")
    assert (0, 1) == (ran.code, ran.err.count("\n"))
    assert f"note: {served.host}/team/web: none of its tags matches v*" in ran.err
    ran = command("scan", name, "--tags", "nothing*")
    assert 3 == ran.code
    assert 2 == ran.out.count("none of its tags matches nothing*")
    # What is named itself has to have one.
    ran = command("scan", f"{served.host}/team/app", f"{served.host}/team/web", "--tags", "v*")
    assert 3 == ran.code
