"""`mfl-lint manifest append`, `remove` and `merge`: a list that is in a registry is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from mfl_lint.cli import making
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.cli.pushing import Wanted
    from mfl_lint.core.edit import Edited
    from mfl_lint.core.manifest import Descriptor
    from mfl_lint.mend.bringing import Child, Clients
    from mfl_lint.mend.changes import Change
    from mfl_lint.mend.images import Found
    from mfl_lint.mend.judging import Judged

    Decide = Callable[[Clients, Sequence[Descriptor]], Awaitable[Change]]


class Call(making.Pushing, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    names: tuple[str, ...]
    to: str | None
    form: str | None = None
    flatten: bool = False


def _change_options(function: making.F) -> making.F:
    to = click.option("--to", metavar="TAG", help="Push to this tag; the list's own stays.")
    return to(making.push_options(function))


@click.command("append", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST IMAGE…")
@click.option("--flatten", is_flag=True, help="Of a list take its entries; attestations last.")
@_change_options
@click.pass_context
def append(ctx: click.Context, /, **given: Any) -> int:
    """Add images to a list in a registry, or replace them.

    An image for a platform that the list has takes the entry's place. All else stays as it is,
    byte for byte. Exit codes are those of `mfl-lint manifest push`.
    """
    making.demand(ctx, given["names"], 2)
    call = Call(**given)

    async def decide(clients: Clients, entries: Sequence[Descriptor]) -> Change:
        from mfl_lint.mend.changes import appended

        return appended(entries, await _children(clients, call.names[1:], call.flatten))

    return _changed(call, decide)


@click.command("remove", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST PLATFORM|DIGEST…")
@_change_options
@click.pass_context
def remove(ctx: click.Context, /, **given: Any) -> int:
    """Drop entries of a list in a registry, by platform or digest.

    A platform without a variant names every variant, unless one entry is spelt just so. The
    attestations of what goes go with it. Exit codes are those of `mfl-lint manifest push`.
    """
    making.demand(ctx, given["names"], 2)
    call = Call(**given)

    async def decide(_: Clients, entries: Sequence[Descriptor]) -> Change:
        from mfl_lint.mend.changes import removed

        return removed(entries, call.names[1:])

    return _changed(call, decide)


@click.command("merge", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST SOURCE…")
@making.form_options
@_change_options
@click.pass_context
def merge(ctx: click.Context, /, **given: Any) -> int:
    """Take over the entries of other lists, with their attestations.

    Where LIST is not there yet it is made. SOURCEs may be lists or images; an entry for a platform
    that is there takes its place. Exit codes are those of `mfl-lint manifest push`.
    """
    making.demand(ctx, given["names"], 2)
    call = Call(**given)

    async def decide(clients: Clients, entries: Sequence[Descriptor]) -> Change:
        from mfl_lint.mend.changes import appended

        return appended(entries, await _children(clients, call.names[1:], flatten=True))

    return _changed(call, decide, may_be_new=True)


async def _children(clients: Clients, names: Sequence[str], flatten: bool) -> list[Child]:
    """Return what the names stand for; of a list its entries, all attestations at the end."""
    from mfl_lint.core.kind import is_attestation_entry
    from mfl_lint.mend.images import as_child, entries_of, find

    children: list[Child] = []
    for name in names:
        found = await find(clients, making.named(name))
        if found.is_list and flatten:
            children += entries_of(found)
        else:
            children.append(await as_child(clients, found))
    return sorted(children, key=lambda child: is_attestation_entry(child.entry))


def _changed(call: Call, decide: Decide, *, may_be_new: bool = False) -> int:
    making.demand_tag(call.to)
    return making.with_registries(call, lambda them: _carried(call, them, decide, may_be_new))


async def _carried(call: Call, registries: Registries, decide: Decide, may_be_new: bool) -> int:
    from mfl_lint.cli.failures import say
    from mfl_lint.core.errors import NotFound, Refused
    from mfl_lint.mend.images import find

    reference = making.named(call.names[0], "manifest list")
    found: Found | None = None
    try:
        found = await find(registries.client, reference)
    except NotFound:
        if not may_be_new:
            raise
    if found is not None and not found.is_list:
        raise Refused(
            f"{reference.familiar} is one image, not a list: `mfl-lint manifest create "
            f"{reference.familiar} IMAGE…` and `push` make a list of several under that name"
        )
    change = await decide(registries.client, found.document.entries if found else ())
    for line in change.lines:
        say(line)
    return await _pushed(call, registries, found, change)


async def _pushed(call: Call, registries: Registries, found: Found | None, change: Change) -> int:
    from mfl_lint.cli.pushing import Wanted, seen_of, settle
    from mfl_lint.core import edit
    from mfl_lint.core.reference import Reference
    from mfl_lint.mend.bringing import Child

    named, edited = making.named(call.names[0], "manifest list"), _edited(call, found, change)
    target = replace(named, digest=None)
    if call.to is not None:
        target = Reference.parse(f"{named.name}:{call.to}")
    old = tuple(Child(entry, found.source) for entry in found.document.entries) if found else ()
    wanted = Wanted(
        target, edit.encode(edited), edited.media_type, (*change.children, *old), change.children
    )
    if found is not None:
        standing = await seen_of(
            call.config, registries, replace(wanted, raw=found.document.raw, children=old)
        )
        wanted = replace(
            wanted,
            new=(*change.children, *_kept(wanted, old, standing)),
            base=found.document.digest if target.tag == named.tag else None,
            tolerated=frozenset(one.fingerprint for one in standing.judgement.findings),
        )
    return await settle(call, registries, wanted)


def _edited(call: Call, found: Found | None, change: Change) -> Edited:
    """Return the list as it will be: a new one, or the one that was found with the change."""
    from mfl_lint.core import edit
    from mfl_lint.mend.drafts import FORMS

    if found is None:
        types = [child.entry.media_type for child in change.children]
        return edit.new_index(edit.form_for(types, FORMS.get(call.form or "", "")), change.steps)
    before = edit.read(found.document.raw, found.document.served_type)
    return edit.apply(before, change.steps)


def _kept(wanted: Wanted, old: Sequence[Child], standing: Judged) -> list[Child]:
    """Return the children that stay in the list and are there: they have to be there then, too."""
    from mfl_lint.core.observation import LookState
    from mfl_lint.core.parse import parse_document

    root = standing.observation.root
    nodes = root.children if root is not None else ()
    gone = {
        node.entry.digest
        for node in nodes
        if node.look is not None and node.look.state is LookState.ABSENT
    }
    stay = {one.digest for one in parse_document(wanted.raw, wanted.media_type).entries}
    return [child for child in old if child.entry.digest in stay - gone]
