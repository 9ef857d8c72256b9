"""A process that pushes when it is told to, in a child that somebody may kill.

    python -m tests.mend.push_process

For each line on its input (a registry's host, a folder for the journal, the repository to push to
and that of the children) it starts a push and prints the child's number, then, when the child has
ended, how.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from mfl_lint.mend.audits import Journal
from mfl_lint.mend.push import push
from tests.builders import attestation, image, index
from tests.mend.pushing import clients, plan_for

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
LIST: Final = index(AMD64, ARM64, attestation(AMD64))
OLD: Final = index(AMD64)


async def carry_out(host: str, folder: str, target: str, source: str) -> int:
    """Push the list over the old one; return the exit code."""
    plan = plan_for(host, f"{target}:v1", LIST, source, OLD.digest, further_tags=("latest",))
    async with clients() as found:
        outcome = await push(plan, found, Journal(Path(folder), "killed"))
    return 0 if outcome.ok else 1


def main() -> None:
    """Serve the requests on standard input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(asyncio.run(carry_out(*line.split())))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
