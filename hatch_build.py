"""Makes the manual page when a wheel is built: it goes where `man fleetcast` finds it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPage(BuildHookInterface):
    """Adds share/man/man1/fleetcast.1 to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the page, made of the commands as they are now."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from commands.man_page import man_page

        page = Path(self.directory) / "fleetcast.1"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(man_page(), encoding="utf-8")
        build_data["shared_data"][str(page)] = "share/man/man1/fleetcast.1"
