"""Carry `mfl-lint fix` out: plan for each reference, ask, push, and look again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import click
import msgspec

from mfl_lint.cli.connect import Registries, registries
from mfl_lint.cli.looking import now
from mfl_lint.cli.progress import progress_line
from mfl_lint.cli.pushing import audit_of, target_of
from mfl_lint.core.errors import RegistryError
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX
from mfl_lint.core.plan import Plan
from mfl_lint.core.reference import Reference
from mfl_lint.mend.carrying import narrowed, push_plan, still_there
from mfl_lint.mend.fixing import Fixed, Fixing
from mfl_lint.mend.push import push
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.report.json_v1 import finding_v1
from mfl_lint.report.paper import Paper
from mfl_lint.report.plan import PlanV1, PushedV1, plan_v1, render_plan
from mfl_lint.rules import discover

if TYPE_CHECKING:
    from mfl_lint.cli.fix import Call

_FORMS: Final = {"oci": OCI_INDEX, "docker": DOCKER_LIST, "": ""}
