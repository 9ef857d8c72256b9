"""How a platform in a repository's name becomes a fault: the same for both of its places."""

from __future__ import annotations

from mfl_lint.core.policy import Severity
from mfl_lint.core.relatives import NamedPlatform, stem_repository
from mfl_lint.core.rule import Fault, NameCase, commented
from mfl_lint.rules._commands import Fix, group, quoted
from mfl_lint.rules._names import beside, grouping, named


def repository_fault(case: NameCase, found: NamedPlatform, where: str) -> Fault:
    """Return the fault; information only where an index is known to group the names."""
    word = found.word
    stem = stem_repository(case.reference.registry, word.stem)
    index = grouping(word, case.siblings.others.get(stem, ()))
    message = f"{word.text} in the {where} names a platform"
    if index is not None:
        message += f"; {stem}:{index.tag} is an index that offers {word.platform}"
        use = f"# use {quoted(f'{stem}:{index.tag}')} everywhere"
        return Fault(message, (use,), Severity.INFO)
    if found.others:
        message += f", like {beside(found.others)}"
    elif found.stem_exists:
        message += f", beside {stem}"
    elif case.siblings.repositories is None:
        message = f"possible: {message}; the names beside it were not looked at"
    else:
        message = f"possible: {message}; no other name differs only by it"
    return Fault(message, _fix(case, found, stem))


def _fix(case: NameCase, found: NamedPlatform, stem: str) -> Fix:
    """Return what groups the names. A lone one may be no platform: nothing is to be run then."""
    registry = case.reference.registry
    if not found.certain:
        under = f" as {quoted(f'{registry}/{stem}')}" if stem else " under one name"
        return (f"# if {found.word.text} is a platform, push all platforms as one list{under}",)
    first = () if found.others else (stem,)
    names = named((*first, case.reference.repository, *found.others))
    parts = [quoted(f"{registry}/{name}:TAG") for name in names]
    line = group(quoted(f"{registry}/{stem or 'NAME'}:TAG"), parts)
    return "# for each tag that they share, with it in place of TAG:", commented(line)
