"""The rules, one file each, found by looking into this package; nothing registers them.

Modules whose names start with `_` hold what several rules share.
"""

from __future__ import annotations

import hashlib
import inspect
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Final

import msgspec

from mfl_lint import __version__
from mfl_lint.core.errors import MflLintError
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Rule

# What the first digit of a rule's id stands for.
FAMILIES: Final = {
    "1": "What the index says about its entries",
    "2": "Digests, sizes and documents",
    "3": "Platforms encoded in names",
    "4": "Policy",
    "5": "History",
    "6": "Content",
}


def family_of(rule_id: str) -> str:
    """Return the words for the family that a rule's id belongs to."""
    return FAMILIES.get(rule_id[3:4], "More")


def discover() -> tuple[Rule, ...]:
    """Return all rules, sorted by id; raise MflLintError where two have one id."""
    return _unique(
        found
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
        for found in vars(import_module(f"{__name__}.{module.name}")).values()
        if isinstance(found, Rule)
    )


def _unique(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    by_id: dict[str, Rule] = {}
    for rule in rules:
        if by_id.setdefault(rule.id, rule) is not rule:
            raise MflLintError(
                f"two rules are called {rule.id}: {by_id[rule.id].slug}, {rule.slug}"
            )
    return tuple(by_id[key] for key in sorted(by_id))


def judged_hash(rules: Iterable[Rule], policy: Policy) -> str:
    """Return the SHA-256 (hex) of all that a verdict depends on besides what was observed.

    A tag that was judged under another hash is judged again. Ignores are not part of it: they
    act when findings are read.
    """
    demands = msgspec.structs.replace(policy, ignores=())
    digest = hashlib.sha256(__version__.encode())
    digest.update(msgspec.json.encode(demands, order="deterministic"))
    for rule in sorted(rules, key=lambda rule: rule.id):
        module = inspect.getmodule(rule.check)
        source = inspect.getsource(module) if module is not None else ""
        for part in (rule.id, rule.severity, source):
            digest.update(b"\x00" + part.encode())
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.name.startswith("_"):
            shared = import_module(f"{__name__}.{module_info.name}")
            digest.update(b"\x00" + inspect.getsource(shared).encode())
    return digest.hexdigest()
