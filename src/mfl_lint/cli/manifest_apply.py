"""`mfl-lint manifest apply`: a list as a file or a template describes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import making
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.inputs.list_spec import ListSpec


class Call(making.Pushing, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    spec: str | None
    template: str | None
    platforms: tuple[str, ...]
    target: str | None
    tags: tuple[str, ...]
    annotations: tuple[str, ...]
    ignore_missing: bool
    form: str | None


@click.command("apply", cls=ProjectCommand)
@click.argument("spec", required=False, metavar="[SPEC.yaml]")
@click.option("--template", metavar="IMAGE", help="Images with ARCH, OS, VARIANT in their names.")
@click.option("--platforms", multiple=True, metavar="P,P", help="What the template is filled with.")
@click.option("--target", metavar="LIST", help="The list to make of a template's images.")
@click.option("--tags", multiple=True, metavar="TAG,TAG", help="Further tags. Repeatable.")
@making.index_annotation_option
@click.option("--ignore-missing", is_flag=True, help="Leave out images that are not there.")
@making.form_options
@making.push_options
def command(**given: Any) -> int:
    """Make a list as a file describes it, and push it, judged before as it will be.

    \b
    mfl-lint manifest apply spec.yaml
    mfl-lint manifest apply --template app-ARCHVARIANT:v1 \\
        --platforms linux/amd64,linux/arm/v7 --target app:v1

    The file is manifest-tool's: image, tags, annotations, and manifests with image and platform.
    What a platform leaves out is what the image's config says. Unknown keys are mistakes. With
    --dry-run the exact bytes and their digest are shown.

    Exit codes are those of `mfl-lint manifest push`.
    """
    given["annotations"] = given.pop("index_annotations")
    return apply(Call(**given))


def apply(call: Call) -> int:
    """Make the list and push it; return the exit code. Raise UsageError and InputInvalid."""
    spec = _spec(call)
    return making.with_registries(call, lambda them: _settled(call, them, spec))


def _spec(call: Call) -> ListSpec:
    from mfl_lint.cli.settings import platforms_of
    from mfl_lint.inputs.list_spec import from_template, read_list_spec
    from mfl_lint.inputs.read import whole_text

    asked = (call.template, call.target)
    if call.spec is not None:
        if any(asked) or call.platforms or call.tags or call.annotations:
            raise click.UsageError("a SPEC.yaml says all of it: leave out --template and the like")
        text, shown = whole_text(call.spec, sys.stdin.buffer)
        return read_list_spec(text, shown)
    if not (all(asked) and call.platforms):
        raise click.UsageError("name a SPEC.yaml, or give --template, --platforms and --target")
    platforms_of(_split(call.platforms), "--platforms", call.config.policy)
    return from_template(
        call.template or "",
        _split(call.platforms),
        call.target or "",
        _split(call.tags),
        making.pairs(call.annotations, "--index-annotation"),
    )


def _split(texts: tuple[str, ...]) -> list[str]:
    return [part for text in texts for part in text.split(",") if part]


async def _settled(call: Call, registries: Registries, spec: ListSpec) -> int:
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.pushing import Wanted, settle
    from mfl_lint.mend.applying import apply_spec

    made = await apply_spec(
        spec,
        registries.client,
        form=call.form or "",
        ignore_missing=call.ignore_missing,
        known=call.config.policy.known_platforms,
    )
    for note in made.notes:
        say(note)
    wanted = Wanted(
        spec.image, made.raw, made.media_type, made.children, made.children, None, spec.tags
    )
    return await settle(call, registries, wanted)
