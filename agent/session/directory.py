"""Where the program keeps what it remembers of its user: sessions, and the lines that were typed."""

from pathlib import Path


def state_directory() -> Path:
    """Return the directory of sessions and history."""
    from platformdirs import user_state_path

    return user_state_path("fleetcast")


def history_file() -> Path | None:
    """Return where typed lines are remembered; None where that is not possible."""
    path = state_directory() / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return None
    return path
