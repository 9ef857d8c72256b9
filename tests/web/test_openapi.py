"""The API is what its description says: every answer, status and header that can occur."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from mfl_lint.web.application import ACTIONS, VIEWS
from mfl_lint.web.links import API
from mfl_lint.web.openapi import describe
from tests.web.conftest import Client
from tests.web.threaded import threaded

# Values that lead somewhere: those made up by chance would all be 404.
KNOWN: dict[str, list[Any]] = {
    "registry": ["internal", "hub", "edge", "archive", "*"],
    "repository": ["shop/checkout", "platform/gateway", "acme/tools", "fleet/probe", "shop/*"],
    "tag": ["latest", "3.9", "old", "1", "3.*"],
    "id": ["1", "18", "MFL101", "dangling-digest"],
    "rule": ["MFL101", "MFL2*"],
    "fingerprint": ["0" * 64],
    "q": ["check", "sha256:", "platform/gateway:2", "latest", "ab12"],
    "platform": ["linux/arm64", "linux/arm/v7"],
    "offers": ["linux/arm64", "windows/amd64"],
    "lacks": ["linux/arm64", "linux/arm/v6"],
    "reference": ["registry.internal.example:5000/shop/checkout:latest", "acme/tools"],
}
SENT: dict[str, list[Any]] = {
    "registry": ["internal", "nowhere"],
    "repository": ["shop/checkout", "platform/gateway"],
    "tag": ["latest", "3.9"],
    "rule": ["MFL101", "dangling-digest", "MFL2*"],
    "reason": ["known"],
    "fingerprint": ["0" * 64, "f" * 64],
    "before": [f"sha256:{'1' * 64}"],
    "after": [f"sha256:{'2' * 64}"],
    "expires": [None, "2199-01-01T00:00:00Z", "2199-01-01T00:00:00.5+02:00"],
}


@pytest.fixture(scope="module")
def address(filled_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # What is sent here is written.
    own = tmp_path_factory.mktemp("openapi") / "own.db"
    shutil.copy(filled_url.removeprefix("sqlite:///"), own)
    with threaded(f"sqlite:///{own}") as address:
        yield address


def leading(description: dict[str, Any]) -> dict[str, Any]:
    """Return the description with parameters that lead to what the store holds."""
    known = copy.deepcopy(description)
    for asked in (asked for path in known["paths"].values() for asked in path.values()):
        for parameter in asked["parameters"]:
            if parameter["name"] in KNOWN:
                parameter["schema"] = {"enum": KNOWN[parameter["name"]]}
            elif parameter["name"] == "cursor":
                parameter["schema"] = {"enum": [""]}
    for action in ACTIONS:
        if action.takes is not None:
            body = known["components"]["schemas"][action.takes.__name__]
            body["properties"] = {
                name: {
                    "enum": [one for one in SENT[name] if one is not None or "null" in str(kind)]
                }
                for name, kind in body["properties"].items()
            }
    return known


def check_all(
    description: dict[str, Any],
    mode: GenerationMode,
    *,
    address: str,
    number: int,
    seed: int,
    statuses: dict[int, int],
    excluded: Sequence[Any] = (),
) -> None:
    """Ask for each path so often, and check all that the description says of the answers."""
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address)
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]

        @seeded(seed)
        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            answer = case.call()
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            case.validate_response(answer, excluded_checks=list(excluded))

        # What takes nothing cannot be asked wrongly.
        with suppress(Unsatisfiable) if mode.is_negative else nullcontext():
            check()


def test_no_answer_is_undocumented_and_none_is_a_failure_of_ours(
    address: str, count: Callable[[int], int], seed: int
) -> None:
    description = describe(VIEWS, ACTIONS)
    statuses: dict[int, int] = {}
    each = -(-count(2300) // (3 * sum(map(len, description["paths"].values()))))
    ask = partial(check_all, address=address, number=each, seed=seed, statuses=statuses)
    ask(leading(description), GenerationMode.POSITIVE)
    # No schema says which cursors, platforms and references are ours.
    ask(description, GenerationMode.POSITIVE, excluded=[positive_data_acceptance])
    ask(description, GenerationMode.NEGATIVE)

    print(f"{sum(statuses.values())} cases: {dict(sorted(statuses.items()))}")
    assert sum(statuses.values()) >= count(2000)
    assert {200, 201, 202, 204, 400} <= statuses.keys()


def test_every_view_is_described_with_all_that_it_takes() -> None:
    description = describe(VIEWS, ACTIONS)
    for view in VIEWS:
        path = API + re.sub(r":(?:\.\+|\[\^:\]\+|\\d\{1,1[89]\})", "", view.api)
        names = {one["name"] for one in description["paths"][path]["get"]["parameters"]}
        assert view.parameters <= names, path
    identifiers = [
        asked["operationId"] for one in description["paths"].values() for asked in one.values()
    ]
    assert len(identifiers) == len(set(identifiers))


async def test_the_description_is_served_and_its_schemas_are_schemas(client: Client) -> None:
    answer = await client.get("/api/v1/openapi.json")
    description = msgspec.json.decode(await answer.read())

    assert (200, "3.1.0") == (answer.status, description["openapi"])
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/api/v1/search", {}, 400),
        ("POST", "/api/v1/findings", {}, 405),
        ("GET", "/api/v1/findings", {"Host": "evil.example"}, 403),
        ("GET", "/api/v1/findings", {"Content-Length": "104857600"}, 413),
    ],
)
async def test_a_failure_is_a_problem_document_as_described(
    client: Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await client.request(method, path, headers=headers)
    problem = msgspec.json.decode(await answer.read())
    schema = describe(VIEWS, ACTIONS)["components"]["schemas"]["Problem"]

    assert (status, "application/problem+json") == (answer.status, answer.content_type)
    jsonschema.validate(problem, schema)
    assert ("about:blank", status) == (problem["type"], problem["status"])
