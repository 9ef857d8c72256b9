import msgspec

from mfl_lint.core.policy import Severity
from mfl_lint.core.scan import Place, Scan
from mfl_lint.report.material import Material, lines, places_by_reference, unseen, worst_first


def test_all_that_is_not_certain_is_told(material: Material) -> None:
    told = [(item.reference, item.rule) for item in unseen(material.scan)]
    app = "docker.io/library/app"
    missed = [(f"{app}:bad", "MFL103"), (f"{app}:gone", ""), (f"{app}:down", "")]
    assert [*missed, ("", ""), ("", "")] == told
    last = list(unseen(material.scan))[-1]
    assert (Place("compose.yaml", 14),) == last.places


def test_the_worst_come_first_and_equals_stay_in_order(scan: Scan) -> None:
    found = worst_first(scan.findings)
    severities = [Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.INFO]
    assert severities == [finding.severity for finding in found]
    assert ["MFL101", "MFL301"] == [finding.rule for finding in found[1:3]]


def test_a_repositorys_name_stands_where_its_references_do(material: Material) -> None:
    bad = (Place("deploy/app.yaml", 12), Place("compose.yaml", 3))
    places = places_by_reference(material.scan)
    assert bad == places["docker.io/library/app:bad"]
    assert (*bad, Place("compose.yaml", 9)) == places["docker.io/library/app"]


def test_names_lose_tag_and_digest_but_no_port(material: Material) -> None:
    def key(canonical: str) -> set[str]:
        target = msgspec.structs.replace(material.scan.targets[1], canonical=canonical)
        return set(places_by_reference(Scan(material.scan.started_at, (target,), ())))

    digest = f"sha256:{'0' * 64}"
    assert {"host:5000/app"} == key("host:5000/app")
    assert {"host:5000/app:v1", "host:5000/app"} == key("host:5000/app:v1")
    name = f"host:5000/app:v1@{digest}"
    assert {name, "host:5000/app"} == key(name)


def test_line_ends_stay_and_nothing_else_acts() -> None:
    assert "a\\r\nb\\x1b" == lines("a\r\nb\x1b")
