"""`catalog models --fits` and `catalog accelerators --fits`: which models fit which accelerators."""

import csv

from tests.commands.conftest import Program


def test_models_that_fit_an_accelerator_and_the_reverse(fleetcast: Program) -> None:
    rows = fleetcast("catalog", "models", "llama-3.1-70b", "--fits", "H100", "--json").tree
    reverse = fleetcast("catalog", "accelerators", "H100", "--fits", "llama-3.1-70b", "--json").tree
    (same,) = [row for row in reverse if row["accelerator"] == "h100-sxm-80gb"]
    assert rows == [same]
    shown = fleetcast("catalog", "models", "llama-3.1-70b", "--fits", "H100").out
    assert "incompatible" in shown and "GiB missing" in shown and "together" in shown
    several = fleetcast("catalog", "accelerators", "rx-7900-xtx", "--fits", "llama-3.1-70b").out
    assert "115 GiB missing; on 2 in INT4" in " ".join(several.split())
    assert "H1000" in fleetcast.refusal("catalog", "models", "--fits", "H1000")


def test_what_fits_is_a_table_for_spreadsheets_too(fleetcast: Program) -> None:
    asked = ("catalog", "models", "--fits", "H100")
    rows = list(csv.DictReader(fleetcast(*asked, "--csv").out.splitlines()))
    trees = fleetcast(*asked, "--json").tree
    assert [(row["model"], row["verdict"]) for row in rows] == [(one["model"], one["verdict"]) for one in trees]
    assert "--fits" in fleetcast.refusal("catalog", "models", "--csv")
