"""A process that scans one reference with its layers, and says what that took.

    python -m tests.e2e.deep_process HOST REPOSITORY TAG UNPACKED_MIB

Prints the most bytes that it ever had in memory, the bytes of layers that it received, and how
MFL601 ended.
"""

from __future__ import annotations

import asyncio
import sys

from mfl_lint.config import DeepConfig, HttpConfig, RegistryConfig
from mfl_lint.core.observation import Observation
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Siblings
from mfl_lint.lint import judge
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.observe import observe
from mfl_lint.registry.transport import Transport
from mfl_lint.rules.binary_contradicts_platform import binary_contradicts_platform
from tests.crawl.crawl_process import ANONYMOUS, now
from tests.crawl.measured_process import peak_bytes


async def run(host: str, repository: str, tag: str, unpacked_mib: str) -> tuple[int, str]:
    """Scan the tag; return the bytes that were received and how the rule ended."""
    registry = RegistryConfig(name="here", host=host, credentials=ANONYMOUS)
    reader = DeepReader(RunMemory(), DeepConfig(unpacked_mib=int(unpacked_mib)))
    async with Transport(HttpConfig(timeout_s=10.0, retries=1)) as transport:
        source = RegistryClient(registry, transport)
        seen = await observe(source, "here", Reference(host, repository, tag), now=now)
        assert isinstance(seen, Observation)
        seen = await reader.look(source, seen)
    judgement = judge(seen, [binary_contradicts_platform], Policy(), Siblings())
    return reader.received_bytes, str(judgement.verdicts[0].outcome)


if __name__ == "__main__":
    ended = asyncio.run(run(*sys.argv[1:]))
    print(peak_bytes(), *ended)
