"""A command's file run as the program: ``python commands/forecast.py`` is ``fleetcast forecast``."""

import sys
from pathlib import Path


def run(command: str) -> None:
    """Run a command with the arguments of this process, and exit with its code."""
    # This folder stands first on the path then: the project's root takes its place.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from commands import main

    sys.exit(main([command, *sys.argv[1:]]))
