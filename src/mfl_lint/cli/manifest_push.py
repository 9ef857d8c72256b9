"""`mfl-lint manifest push` and `restore`: what a tag points at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from mfl_lint.cli import making, options
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.mend.drafts import Draft


class Call(making.Pushing, frozen=True, kw_only=True):
    """What one call of `push` asks for, by the names of its options."""

    names: tuple[str, ...]
    purge: bool
    form: str | None


@click.command("push", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST")
@click.option("-p", "--purge", is_flag=True, help="Forget the draft after a good push.")
@making.form_options
@making.push_options
@click.pass_context
def push(ctx: click.Context, /, **given: Any) -> int:
    """Push a list, judged before as it will be.

    What other repositories of the registry hold is mounted (or uploaded), the images follow, and
    the list comes last. It is refused where the rules find errors in it, or where the tag moved
    meanwhile. Prints the digest; what the tag pointed at before is said with the command that
    restores it.

    Exit codes: 0 pushed, 1 refused, 2 usage or configuration, 3 the registry failed.
    """
    making.demand(ctx, given["names"], 1, 1)
    return push_draft(Call(**given))


def push_draft(call: Call) -> int:
    """Push the draft and return the exit code; Refused where there is none."""
    target = making.named(call.names[0], "manifest list")
    drafts = making.drafts()
    draft = drafts.demand(target)
    code = making.with_registries(call, lambda them: _settled(call, them, draft))
    if code == 0 and call.purge and not call.dry_run:
        drafts.remove(target)
    return code


async def _settled(call: Call, registries: Registries, draft: Draft) -> int:
    from mfl_lint.cli.pushing import Wanted, settle
    from mfl_lint.core.edit import encode

    if not call.force:
        _demand_platforms(draft)
    edited = draft.index(call.form or "")
    target = draft.reference
    if target.digest is not None:  # as docker: a list has its own digest, and no tag then
        target = replace(target, tag=None, digest=None)
    children = tuple(member.child for member in draft.members)
    wanted = Wanted(target, encode(edited), edited.media_type, children, children)
    return await settle(call, registries, wanted)


def _demand_platforms(draft: Draft) -> None:
    from mfl_lint.core.errors import Refused
    from mfl_lint.core.kind import is_attestation_entry
    from mfl_lint.core.platform import Platform

    for member in draft.members:
        platform = member.entry.platform or Platform()
        special = is_attestation_entry(member.entry) or member.entry.artifact_type
        if not special and not (platform.os and platform.architecture):
            raise Refused(
                f"manifest {member.name} must have an OS and Architecture to be pushed to a "
                "registry: `mfl-lint manifest annotate` gives it both"
            )


class Restoring(options.Looking, frozen=True, kw_only=True):
    """What one call of `restore` asks for, by the names of its options."""

    reference: str


@click.command("restore", cls=ProjectCommand)
@click.argument("reference", metavar="NAME:TAG@DIGEST")
@options.looking_options
def restore(**given: Any) -> int:
    """Let a tag point at what it pointed at before.

    What has that digest must still be in the tag's repository: no image is pushed.

    Exit codes are those of `mfl-lint manifest push`.
    """
    call = Restoring(**given)
    named = making.named(call.reference)
    if named.tag is None or named.digest is None:
        raise click.UsageError(f"{call.reference[:100]}: write NAME:TAG@DIGEST")
    return making.with_registries(call, lambda them: _restored(call, them))


async def _restored(call: Restoring, registries: Registries) -> int:
    from mfl_lint.cli.pushing import carry_out, points_at, tell
    from mfl_lint.mend.push import PushPlan

    named = making.named(call.reference)
    target = replace(named, digest=None)
    client = registries.client(named.registry)
    document = await client.document(named.repository, str(named.digest))
    plan = PushPlan(
        target,
        document.raw,
        document.media_type or document.served_type,
        await points_at(registries, target),
        notes={"restores": named.digest},
    )
    pushing = making.Pushing(
        config=call.config,
        insecure=call.insecure,
        anonymous=call.anonymous,
        quiet=call.quiet,
        copy=False,
        force=False,
        dry_run=False,
    )
    return tell(await carry_out(pushing, registries, plan))
