"""`mfl-lint manifest`: lists are made, changed and pushed."""

from __future__ import annotations

from typing import Final

import click

from mfl_lint.cli.main import LazyGroup

# As COMMANDS in `main`: the module below mfl_lint.cli, and the line that --help shows.
SUBCOMMANDS: Final[dict[str, tuple[str, str]]] = {
    "create": ("manifest_create", "Make a list of images, on this machine only."),
    "annotate": ("manifest_annotate", "Say on which platform an image of the list runs."),
    "inspect": ("manifest_inspect", "Show a list or an image: a draft, else what is pushed."),
    "push": ("manifest_push.push", "Push a list, judged before as it will be."),
    "rm": ("manifest_drafts.remove", "Forget drafts of lists."),
    "list": ("manifest_drafts.show", "Show the drafts of lists."),
    "apply": ("manifest_apply", "Make a list as a file or a template describes it."),
    "append": ("manifest_change.append", "Add images to a list in a registry, or replace them."),
    "remove": ("manifest_change.remove", "Drop entries of a list in a registry."),
    "merge": ("manifest_change.merge", "Take over the entries of other lists."),
    "restore": ("manifest_push.restore", "Let a tag point at what it pointed at before."),
}


@click.group("manifest", cls=LazyGroup, table=SUBCOMMANDS)
def command() -> None:
    """Make manifest lists, change them and push them.

    \b
    mfl-lint manifest create   app:v1  app-amd64:v1  app-armhf:v1
    mfl-lint manifest annotate app:v1  app-armhf:v1  --os linux --arch arm --variant v7
    mfl-lint manifest push     app:v1
    mfl-lint manifest apply    spec.yaml

    The grammar is that of `docker manifest`. Nobody sees anything before `push`.
    """
