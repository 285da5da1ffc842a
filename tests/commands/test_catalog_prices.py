"""`catalog prices refresh` from a contract, and what APIs ask."""

from pathlib import Path

from tests.catalogs.test_catalog import accelerator, written
from tests.commands.conftest import Program


def test_prices_of_a_contract_are_used_from_then_on(fleetcast: Program, tmp_path: Path) -> None:
    contract = tmp_path / "contract.csv"
    head = "provider,instance,accelerator,accelerators,on_demand_usd_per_hour,spot_usd_per_hour\n"
    contract.write_text(head + "acme,eight,H100,8,16,\nacme,odd,H100,8,16,20\n", encoding="utf-8")
    run = fleetcast("catalog", "prices", "refresh", "--from", contract)
    assert "left out of the choice: acme odd: spot at $20 is dearer" in run.out
    assert "1 of 2 offers" in run.out
    assert "eight" in fleetcast("catalog", "prices", "acme").out
    asked = (
        "forecast",
        "llama 3.1 70B fp8 on H100, 10 rps, 1k in, 200 out",
        "--provider",
        "acme",
        "--no-verify",
        "--json",
    )
    offer = fleetcast(*asked).tree["chosen"]["offer"]
    assert (offer["instance"], offer["usd_per_hour"]) == ("eight", 16)
    assert "write refresh before it" in fleetcast.refusal("catalog", "prices", "--from", contract)


def test_models_behind_apis_are_listed(fleetcast: Program) -> None:
    assert "$2.50" in fleetcast("catalog", "apis", "--plain").out
    assert fleetcast("catalog", "apis", "gpt-4o", "--json").tree[0]["rates"][0]["output"] == 10


def test_prices_of_what_a_directory_defines_are_written_beside_it(fleetcast: Program, tmp_path: Path) -> None:
    """In the user's own directory they would name what no other command knows."""
    written(tmp_path, accelerator())
    contract = tmp_path / "contract.csv"
    contract.write_text("provider,instance,accelerator,accelerators,on_demand_usd_per_hour\nacme,one,acme-1,1,3\n")
    assert fleetcast("catalog", "prices", "refresh", "--from", contract, "--catalog", tmp_path).code == 0
    assert "one" in fleetcast("catalog", "prices", "acme-1", "--catalog", tmp_path).out
    assert fleetcast("catalog", "accelerators", "L4").code == 0
