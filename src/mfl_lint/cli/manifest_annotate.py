"""`mfl-lint manifest annotate`: on which platform an image of a draft runs."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from mfl_lint.cli import exit_codes, making, options
from mfl_lint.cli.project import ProjectCommand
from mfl_lint.config import Config


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    config: Config
    names: tuple[str, ...]
    os: str | None
    arch: str | None
    variant: str | None
    os_version: str | None
    os_features: tuple[str, ...]
    annotations: tuple[str, ...]


@click.command("annotate", cls=ProjectCommand)
@click.argument("names", nargs=-1, metavar="LIST IMAGE")
@click.option("--os", metavar="OS", help="Operating system.")
@click.option("--arch", metavar="ARCH", help="Architecture; its known aliases are understood.")
@click.option("--variant", metavar="VARIANT", help="Variant, as v7 of arm; '' takes it away.")
@click.option("--os-version", metavar="VERSION", help="Version of the operating system.")
@click.option(
    "--os-features",
    multiple=True,
    metavar="F,…",
    help="Features that the system must have, added to those there; '' takes all away. Repeatable.",
)
@making.annotation_option
@options.config_option
@options.debug_option
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Say on which platform an image of the list runs.

    No registry is asked. What is not given stays as it is.
    """
    making.demand(ctx, given["names"], 2, 2)
    return annotate(Call(**given))


def annotate(call: Call) -> int:
    """Change the draft; Refused where the image is not in it, PlatformInvalid."""
    from mfl_lint.cli.failures import say
    from mfl_lint.core.errors import Refused
    from mfl_lint.core.platform import Platform
    from mfl_lint.mend.annotating import Said, annotated
    from mfl_lint.mend.drafts import Draft

    target = making.named(call.names[0], "manifest list")
    image = making.named(call.names[1])
    noted = making.pairs(call.annotations, "--annotation")
    notes: tuple[str, ...] = ()

    def changed(draft: Draft | None) -> Draft:
        nonlocal notes
        at = draft.find(image) if draft is not None else None
        if draft is None or at is None:
            name = target.familiar
            raise Refused(f"manifest for image {image.familiar} does not exist in {name}")
        entry, said = draft.members[at].entry, _said(call)
        platform, notes = entry.platform or Platform(), ()
        if said != Said() or not noted:
            known = call.config.policy.known_platforms
            platform, notes = annotated(platform, said, known)
        annotations = {**entry.annotations, **noted}
        changed = draft.with_member(
            at, msgspec.structs.replace(entry, platform=platform, annotations=annotations)
        )
        changed.index()
        return changed

    making.drafts().change(target, changed)
    for note in notes:
        say(f"note: {note}")
    return exit_codes.OK


def _said(call: Call) -> Any:
    from mfl_lint.mend.annotating import Said

    features = tuple(part.strip() for text in call.os_features for part in text.split(","))
    return Said(
        call.os, call.arch, call.variant, call.os_version, features if call.os_features else None
    )
