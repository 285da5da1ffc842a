"""The version of the program, written here alone: the package, a plan and what is kept of the catalog carry it."""

VERSION = "0.1.0"
