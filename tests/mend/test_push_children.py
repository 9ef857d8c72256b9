"""Children that are deleted while a list is pushed: by people, by retention, by a collector."""

from __future__ import annotations

import pytest

from mfl_lint.mend.outcome import End
from tests import faults
from tests.builders import Built, place
from tests.fault_registry import FaultRegistry
from tests.mend.pushing import plan_for, pushed, tag_of
from tests.mend.test_push import AMD64, ARM64, GET_TAG, LIST, OLD, PUT_CHILD, PUT_TAG, filled


def deletes(child: Built, repository: str = "app") -> faults.Hook:
    """Return what deletes a child."""
    return lambda registry: registry.demo.delete_manifest(repository, child.digest)


@pytest.mark.parametrize("gone", [AMD64, ARM64])
async def test_a_child_that_was_there_and_is_gone_before_the_list_is_put_is_said(
    gone: Built,
) -> None:
    """The one was there all the time, the other one was only just brought."""
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        place(registry.demo, "app", AMD64, "amd64")
        registry.fault(PUT_CHILD, faults.after(deletes(gone)))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert (End.REFUSED, OLD.digest) == (outcome.last.end, outcome.last.now)
        said = f"child {gone.digest} is not in {registry.host}/app any more: "
        assert outcome.last.detail.startswith(said)
        assert 0 == registry.count(*PUT_TAG)
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_a_source_that_is_deleted_while_it_is_brought_leaves_the_tag_as_it_was() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")

        def collect(it: FaultRegistry) -> None:
            it.demo.delete_repository("parts")

        registry.fault(("POST", "/uploads/"), faults.before(collect), 1)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert outcome.last.end in (End.REFUSED, End.FAILED)
        assert 0 == registry.count(*PUT_TAG)
        assert OLD.digest == tag_of(registry, "app:v1")


async def test_nothing_is_put_where_nobody_can_tell_whether_the_children_are_there() -> None:
    async with FaultRegistry() as registry:
        filled(registry, "parts")
        broken = faults.after(
            lambda it: it.fault(("GET|HEAD", f"/app/manifests/{AMD64.digest}"), faults.status(500))
        )
        registry.fault(PUT_CHILD, broken)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
        assert End.FAILED is outcome.last.end
        assert 0 == registry.count(*PUT_TAG)
        assert 2 >= registry.count(*GET_TAG)
