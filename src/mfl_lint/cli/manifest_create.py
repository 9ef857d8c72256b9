"""`mfl-lint manifest create`: a list of images, on this machine only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from mfl_lint.cli import exit_codes, making, options
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.core.reference import Reference
    from mfl_lint.mend.drafts import Draft, Member


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    names: tuple[str, ...]
    amend: bool
    flatten: bool
    annotations: tuple[str, ...]
    index_annotations: tuple[str, ...]
    form: str | None


@click.command("create", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST IMAGE…")
@click.option("-a", "--amend", is_flag=True, help="Add to a draft that is there.")
@click.option("--flatten", is_flag=True, help="Of a list take its entries; attestations last.")
@making.index_annotation_option
@making.annotation_option
@making.form_options
@options.looking_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Make a list of images, on this machine only.

    Each platform is what the image's config says; `manifest annotate` says otherwise. The entries
    keep the order of the IMAGEs. Nobody sees the list before `manifest push`.
    """
    making.demand(ctx, given["names"], 2)
    return create(Call(**given))


def create(call: Call) -> int:
    """Make or amend the draft, whole or not at all; Refused, or a RegistryError."""
    from mfl_lint.core.errors import Refused
    from mfl_lint.mend.drafts import Draft
    from mfl_lint.report.inert import inert

    target = making.named(call.names[0], "manifest list")
    images = [making.named(text) for text in call.names[1:]]
    noted = making.pairs(call.index_annotations, "--index-annotation")
    own = making.pairs(call.annotations, "--annotation")
    drafts = making.drafts()

    def checked(there: Draft | None) -> Draft:
        if there is not None and not call.amend:
            raise Refused(
                "refusing to amend an existing manifest list with no --amend flag: a draft is "
                f"there (`mfl-lint manifest rm {call.names[0]}` forgets it)"
            )
        return there or Draft(str(target))

    known = checked(drafts.get(target))
    wanted = [one for one in images if known.find(one) is None]
    found = making.with_registries(call, lambda them: _members(them, wanted, call.flatten))
    members = [_annotated(member, own) for member in found]

    def changed(there: Draft | None) -> Draft:
        draft = checked(there)
        draft = replace(
            draft,
            members=_joined(draft.members, members, call.flatten),
            annotations={**draft.annotations, **noted},
            form=call.form or draft.form,
        )
        draft.index()
        return draft

    drafts.change(target, changed)
    click.echo(inert(f"Created manifest list {target.familiar}"))
    return exit_codes.OK


async def _members(
    registries: Registries, images: Sequence[Reference], flatten: bool
) -> list[Member]:
    from mfl_lint.mend.drafts import Member
    from mfl_lint.mend.images import as_child, entries_of, find

    members = []
    for reference in images:
        found = await find(registries.client, reference)
        if found.is_list and flatten:
            children = entries_of(found)
            members += [Member(str(one.source), one.entry, one.source) for one in children]
            continue
        child = await as_child(registries.client, found)
        members.append(Member(str(reference), child.entry, child.source, found.document.raw))
    return members


def _annotated(member: Member, annotations: dict[str, str]) -> Member:
    entry = replace(member.entry, annotations={**member.entry.annotations, **annotations})
    return replace(member, entry=entry)


def _joined(there: Sequence[Member], found: Sequence[Member], flatten: bool) -> tuple[Member, ...]:
    """Return all members, each name once; those that are there already stay as they are."""
    from mfl_lint.core.kind import is_attestation_entry

    members = list({one.name: one for one in (*reversed(found), *reversed(there))}.values())
    members.reverse()
    order = {name: at for at, name in enumerate(dict.fromkeys(x.name for x in (*there, *found)))}
    members.sort(key=lambda one: order[one.name])
    if flatten:
        members.sort(key=lambda one: is_attestation_entry(one.entry))
    return tuple(members)
