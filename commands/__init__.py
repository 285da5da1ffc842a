"""The commands: each parses, calls, shows. ``run`` starts the program; importing this costs next to nothing."""

import gc
import os
import sys
from collections.abc import Sequence


def run() -> None:
    """Run the program with the arguments of this process, and exit with its code."""
    # Imports, catalog and plan make 70,000 objects that stay: looking for cycles there takes a tenth of a cold start.
    gc.set_threshold(200_000)
    # Matrices are small here: to start threads for them takes longer than they save.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = main(sys.argv[1:])
    # Nor is it worth a fifth of it to look for cycles once more at the end.
    gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run the program with these arguments and return its exit code."""
    from commands.failures import guarded  # `import commands` stays cheap

    def work() -> int:
        from commands.program import program  # guarded too: importing takes longest

        return program(arguments)

    return guarded(work)
