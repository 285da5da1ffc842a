"""Starts the program: `python main.py` is `fleetcast`, from any directory and without installing it."""

from commands import run

if __name__ == "__main__":
    run()
