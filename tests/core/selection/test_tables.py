"""The engines' own tables, and what they were seen to choose: each row, or why not.

`compare_regclient` (19 rows) and `match_oras` (15) are other libraries' habits and no engine's;
`push_selection_moby` (17) is about pushing. They are counted in test_platform.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.manifest import DOCKER_LIST
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import Engine, Listing, runs_build
from mfl_lint.core.selection.choose import fits
from mfl_lint.core.selection.engines import accepted, key_of, wanted
from tests.builders import document, node
from tests.core.selection.listings import chosen, listing

Row = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "corpus"
CORPUS = json.loads((FOLDER / "platforms.json").read_text())

ONLY = (Engine.DOCKER, Engine.DOCKER_CLASSIC, Engine.CONTAINERD)
NO_ENGINE = "matching by os alone is no engine's way to choose an image for a host"
FEATURES = "`features`, a field of Docker's lists only, is not read: nothing asks for it"
ATTESTATION = "an attestation is never a candidate, even for whoever asks for unknown/unknown"
NO_FILE = "the list itself is not at hand: it is made of the rows, in their order"


def platform_of(row: Row) -> Platform:
    return Platform(
        row.get("os", ""),
        row.get("architecture", ""),
        row.get("variant", ""),
        row.get("os.version", ""),
        tuple(row.get("os.features", ())),
    )


def written(text: str) -> Platform:
    """Return a candidate as its list spells it."""
    known = CORPUS["candidate_platforms"].get(text)
    return platform_of(known) if known else Platform.parse(text)


def matches_strictly(host: Platform, offered: Platform) -> bool:
    """Say whether the offered platform is the best that a host can get."""
    return key_of(offered.normalized()) == accepted(host)[0] and fits(offered, host)


def said(table: str, run: int, differing: dict[str, int] | None = None) -> None:
    print(f"platforms.json {table}: {run} run; not as the table says: {differing or 'none'}")


def order(engine: Engine, host: Platform, platforms: Sequence[Platform]) -> Iterator[Platform]:
    """Yield what the engine takes, then what it takes without that, and so on."""
    left = list(platforms)
    while (position := chosen(engine, host, left)) is not None:
        yield left.pop(position)


def test_containerd_matches_as_its_own_table_says() -> None:
    rows = CORPUS["match_containerd"]
    run = [row for row in rows if row["mode"] != "os"]
    for row in run:
        host, candidate = Platform.parse(row["host"]), Platform.parse(row["candidate"])
        if row["mode"] == "strict":
            assert row["match"] == matches_strictly(host, candidate), row
            continue
        for engine in ONLY[:1] if host.os == "windows" else ONLY:
            assert (0 if row["match"] else None) == chosen(engine, host, [candidate]), row
    said("match_containerd", len(run), {NO_ENGINE: len(rows) - len(run)})
    assert (283, 15) == (len(run), len(rows) - len(run))


def test_containerd_orders_as_its_own_table_says() -> None:
    rows = CORPUS["order_containerd"]
    run = [row for row in rows if row["mode"] != "os"]
    for row in run:
        host = Platform.parse(row["host"])
        candidates = [Platform.parse(text) for text in row["candidates"]]
        best = [Platform.parse(text) for text in row["sorted"]]
        for engine in ONLY:
            taken = list(order(engine, host, candidates))
            assert taken
            assert best[: len(taken)] == taken, row
    said("order_containerd", len(run), {NO_ENGINE: len(rows) - len(run)})
    assert (6, 3) == (len(run), len(rows) - len(run))


def test_builds_of_windows_run_on_hosts_as_containerds_table_says() -> None:
    rows = CORPUS["windows_build_compat_containerd"]
    for row in rows:
        assert row["compatible"] == runs_build(row["host"], row["container"]), row
    said("windows_build_compat_containerd", len(rows))
    assert 12 == len(rows)


def test_containerd_on_windows_takes_what_its_table_says() -> None:
    rows = CORPUS["windows_order_containerd"]
    for row in rows:
        candidates = [platform_of(one) for one in row["candidates"]]
        position = chosen(Engine.CONTAINERD, platform_of(row["host"]), candidates)
        assert platform_of(row["first"]) == candidates[position or 0], row
    said("windows_order_containerd", len(rows))
    assert 3 == len(rows)


def test_docker_takes_what_mobys_table_says() -> None:
    rows = CORPUS["select_moby_daemon"]
    for row in rows:
        asked = platform_of(row["requested"] or row["host"])
        entries = [platform_of(one) for one in row["index"]]
        if "only" in row["modes"]:
            assert row["chosen_index"] == chosen(Engine.DOCKER, asked, entries), row
        if "strict" in row["modes"] and row["requested"]:
            fitting = [place for place, one in enumerate(entries) if matches_strictly(asked, one)]
            assert row["chosen_index"] == next(iter(fitting), None), row
    said("select_moby_daemon", len(rows))
    assert 20 == len(rows)


def test_what_podman_wants_is_what_containers_image_wants() -> None:
    rows = CORPUS["wanted_platforms_containers_image"]
    for row in rows:
        expected = [key_of(platform_of(one)) for one in row["ordered_candidates"]]
        assert expected == list(wanted(platform_of(row["requested"]))), row
    said("wanted_platforms_containers_image", len(rows))
    assert 5 == len(rows)


LIST_FILES = {
    "schema2list-variants.json": "lists/containers_image__schema2list-variants.json",
    "oci1index.json": "lists/containers_image__ociv1.image.index.json",
}


def test_podman_chooses_of_containers_images_lists_what_its_table_says() -> None:
    made = run = 0
    for row in CORPUS["choose_instance_containers_image"]:
        file = LIST_FILES.get(row["list_file"].partition("__")[2])
        if file is None:
            made += 1
            entries = listing(map(platform_of, row["matched"]), docker_list=True)
            names = [one["digest"] for one in row["matched"]]
            digests = {one.entry.digest: names[one.position or 0] for one in entries.candidates}
        else:
            built = document((FOLDER / file).read_bytes(), "")
            entries, digests = Listing.of(node(built)), {}
            assert entries.docker_list is ("schema2" in file)
        for wish in row["matched"]:
            taken = entries.choose(Engine.PODMAN, platform_of(wish))
            assert taken is not None
            digest = taken.entry.digest
            assert wish["digest"] == digests.get(digest, digest), wish
            run += 1
        for architecture in row["unmatched_architectures"]:
            assert entries.choose(Engine.PODMAN, Platform("linux", architecture)) is None
            run += 1
    said("choose_instance_containers_image", run, {NO_FILE: made})
    assert (16, 1) == (run, made)


def test_podman_prefers_zstd_in_an_oci_index_only() -> None:
    raw = (FOLDER / "lists" / "containers_image__oci1.index.zstd-selection2.json").read_bytes()
    entries = Listing.of(node(document(raw, "")))
    same = Listing(entries.candidates, docker_list=True)
    for architecture, oci, docker in [("amd64", 2, 0), ("arm64", 3, 3), ("s390x", 5, None)]:
        wish = Platform("linux", architecture)
        taken, plain = entries.choose(Engine.PODMAN, wish), same.choose(Engine.PODMAN, wish)
        assert (oci, docker) == (taken and taken.position, plain and plain.position)


def test_containerd_takes_what_it_was_seen_to_take() -> None:
    rows = CORPUS["selection_matrix_observed"]
    for row in rows:
        host = platform_of(row["host_platform"])
        candidates = [written(text) for text in row["candidates"]]
        for engine in ONLY:
            assert row["containerd_only"] == chosen(engine, host, candidates), row
        alone = [chosen(Engine.DOCKER, host, [one]) is not None for one in candidates]
        assert row["containerd_only_matches"] == alone, row
        strict = [place for place, one in enumerate(candidates) if matches_strictly(host, one)]
        assert row["containerd_strict"] == next(iter(strict), None), row
    said("selection_matrix_observed", len(rows))
    assert 220 == len(rows)


@pytest.mark.parametrize(
    ("tool", "engine"), [("crane", Engine.FIRST_MATCH), ("skopeo_1_9_3", Engine.PODMAN)]
)
def test_crane_and_skopeo_take_what_they_were_seen_to_take(tool: str, engine: Engine) -> None:
    rows = CORPUS["selection_live_observed"]
    differing = 0
    for row in rows:
        name, _, version = row["requested"].partition(":")
        os, architecture, *variant = name.split("/")
        wish = Platform(os, architecture, "".join(variant), version)
        taken = chosen(engine, wish, [written(text) for text in row["candidates"]])
        if row["requested"] == "unknown/unknown" and row[tool] is not None:
            assert taken is None
            differing += 1
        else:
            assert row[tool] == taken, row
    said(f"selection_live_observed {tool}", len(rows) - differing, {ATTESTATION: differing})
    assert (168, 2) == (len(rows) - differing, differing)


def test_first_match_takes_what_satisfies_a_wish_as_in_go_containerregistry() -> None:
    rows = CORPUS["satisfies_ggcr"]
    run = [row for row in rows if "features" not in row["have"] | row["spec"]]
    for row in run:
        taken = chosen(Engine.FIRST_MATCH, platform_of(row["spec"]), [platform_of(row["have"])])
        assert row["satisfies"] == (taken == 0), row
    said("satisfies_ggcr", len(run), {FEATURES: len(rows) - len(run)})
    assert (13, 5) == (len(run), len(rows) - len(run))


def test_first_match_takes_equals_as_in_go_containerregistry() -> None:
    rows = CORPUS["equals_ggcr"]
    run = [row for row in rows if "features" not in row["a"] | row["b"]]
    for row in run:
        one, other = platform_of(row["a"]), platform_of(row["b"])
        both = [
            chosen(Engine.FIRST_MATCH, wish, [offered])
            for wish, offered in [(one, other), (other, one)]
        ]
        assert row["equal"] == (both == [0, 0]), row
    said("equals_ggcr", len(run), {FEATURES: len(rows) - len(run)})
    assert (12, 4) == (len(run), len(rows) - len(run))


def test_the_lists_of_the_tables_are_of_the_form_that_they_speak_of() -> None:
    raw = (FOLDER / LIST_FILES["schema2list-variants.json"]).read_bytes()
    assert DOCKER_LIST.encode() in raw
