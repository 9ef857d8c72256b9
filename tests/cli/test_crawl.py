from pathlib import Path

from tests.builders import image, index, place
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import AT_CHILD, AT_MANIFEST, AT_TAGS, FaultRegistry
from tests.faults import status

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, AMD64, annotate={1: {"platform": "linux/arm64"}})


def _configure(host: str) -> None:
    Path("mfl-lint.toml").write_text(f'{QUICK}[[registry]]\nname = "team"\nhost = "{host}"\n')


def test_what_stands_open_decides(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    _configure(served.host)
    first, second = command("crawl"), command("crawl", "team")
    assert [1, 1] == [first.code, second.code]
    assert first.out.startswith("team: 1 of 1 repositories, 1 tags;")
    assert "findings: 0 opened" in second.out
    assert 0 == command("crawl", "--fail-on", "never").code
    place(served.demo, "team/app", index(AMD64, ARM64), "v1")
    assert 0 == command("crawl").code


def test_a_registry_that_is_down_is_3(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", index(AMD64, ARM64), "v1")
    _configure(served.host)
    assert 0 == command("crawl").code
    served.fault(("*", ""), status(503))
    ran = command("crawl")
    assert 3 == ran.code
    assert "could not look: " in ran.out


def test_tags_that_cannot_be_read_are_3(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    served.fault(AT_MANIFEST, status(403))
    _configure(served.host)
    assert 3 == command("crawl").code


def test_an_unknown_registry_is_2(command: Command) -> None:
    assert 2 == command("crawl").code
    _configure("127.0.0.1:1")
    ran = command("crawl", "other")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "no registry is called 'other'; there are team" in ran.err


def test_an_ignored_finding_does_not_fail_a_crawl(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    _configure(served.host)
    with Path("mfl-lint.toml").open("a") as file:
        file.write('[[policy.ignore]]\nrule = "MFL101"\nreason = "known"\n')
    ran = command("crawl")
    assert 0 == ran.code
    assert "open: 0 error" in ran.out


def test_a_child_that_is_denied_is_3_and_said(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.fault(AT_CHILD, status(403))
    _configure(served.host)
    ran = command("crawl")
    assert 3 == ran.code
    assert "not seen whole: 1 tags" in ran.out


def test_recheck_finds_at_once_what_was_deleted(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    _configure(served.host)
    assert 0 == command("crawl").code
    served.demo.delete_manifest("team/app", AMD64.digest)
    assert 0 == command("crawl").code
    ran = command("crawl", "--recheck")
    assert 1 == ran.code
    assert "open: 1 error" in ran.out


def test_repositories_that_could_not_be_looked_at_are_not_counted_as_such(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", image("linux", "amd64"), "v1")
    place(served.demo, "team/web", image("linux", "amd64"), "v1")
    Path("mfl-lint.toml").write_text(f'{QUICK}[[registry]]\nname = "lab"\nhost = "{served.host}"\n')
    assert "lab: 2 of 2 repositories, 2 tags" in command("crawl").out
    served.fault(AT_TAGS, status(503))
    ran = command("crawl")
    assert 3 == ran.code
    assert "lab: 0 of 2 repositories, 0 tags" in ran.out
    assert "could not look: none of 2 repositories could be looked at" in ran.out


def test_patterns_that_matched_nothing_are_said(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    for setting, told in (
        ('repositories = ["taem/*"]', "; nothing matched repositories = taem/*\n"),
        ('tags = ["w*", "x"]', "; nothing matched tags = w*, x\n"),
        ('tags = ["v*"]', "0 info\n"),
    ):
        _configure(served.host)
        with Path("mfl-lint.toml").open("a") as file:
            file.write(setting)
        ran = command("crawl")
        assert (0, told) == (ran.code, ran.out[-len(told) :])
