from typing import Any, get_args

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from agent.fields.demand import PRESET
from agent.statements.flags import ALL
from agent.statements.merged import ORDER, collected, flag_statement, preset_statement
from agent.statements.spec_files import spec_of_tree
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput, InputError
from engine.workload import REQUIRED, SourceKind, Statement, Target, TokenDistribution

CATALOG = Catalog.load()
NEEDED = {"--model": ("llama-3.1-8b",), "--rps": ("5",), "--input-tokens": ("500",), "--output-tokens": ("200",)}


def stated(kind: SourceKind, **values: Any) -> Statement:
    by_path = {path.replace("__", "."): value for path, value in values.items()}
    return Statement(kind, by_path, dict.fromkeys(by_path, f"the {kind}"))


def flags(**given: str) -> Statement:
    return flag_statement({f"--{name.replace('_', '-')}": (text,) for name, text in given.items()})


# --- the table --------------------------------------------------------------------------------------------------------


def test_no_flag_stands_twice_and_each_has_its_help() -> None:
    assert len({flag.flag for flag in ALL}) == len(ALL)
    assert all(flag.help.endswith((".", "…")) for flag in ALL)


@pytest.mark.parametrize(
    ("flag", "text", "path", "value"),
    [
        ("rps", "5M/day", "traffic.requests_per_s", 5e6 / 86400),
        ("rps", "600/min", "traffic.requests_per_s", 10),
        ("input_tokens", "1.5k", "tokens.input.mean", 1500),
        ("growth_rate", "20", "traffic.growth_per_year", 0.2),
        ("growth_rate", "-10%", "traffic.growth_per_year", -0.1),
        ("horizon", "18 months", "traffic.horizon_years", 1.5),
        ("horizon", "2", "traffic.horizon_years", 2),
        ("peak_multiplier", "150%", "traffic.peak_factor", 1.5),
        ("prefix_hit", "50%", "tokens.prefix_hit", 0.5),
        ("target_latency_p99", "20000", "targets.e2e.p99", 20),
        ("ttft_p95", "800ms", "targets.ttft.p95", 0.8),
        ("itl_p50", "40", "targets.itl.p50", 0.04),
        ("e2e_p90", "1.5 min", "targets.e2e.p90", 90),
        ("gpu_type", "H100, a100 80gb", "hardware.accelerators", ("H100", "a100 80gb")),
        ("budget", "$20k", "money.monthly_budget_usd", 20_000),
        ("budget", "$240k/year", "money.monthly_budget_usd", 20_000),
        ("usd_per_gpu_hour", "2.5", "money.usd_per_accelerator_hour", 2.5),
        ("term", "on-demand", "money.term", "on_demand"),
        ("term", "3y", "money.term", "reserved_3y"),
        ("spare_replicas", "0", "availability.spare_replicas", 0),
        ("band", "95 %", "band", 95),
        ("model_size", "70", "model", "70B"),
        ("model_size", "500M", "model", "0.5B"),
    ],
)
def test_units_of_flags_are_read(flag: str, text: str, path: str, value: Any) -> None:
    statement = flags(**{flag: text})
    expected = pytest.approx(value) if isinstance(value, float) else value
    assert statement.values == {path: expected}
    assert statement.details == {path: f"--{flag.replace('_', '-')}"}


def test_names_may_be_repeated_and_nothing_else() -> None:
    assert flag_statement({"--gpu-type": ("h100", "b200,h200")}).values == {
        "hardware.accelerators": ("h100", "b200", "h200")
    }
    assert flag_statement({"--rps": ("5", "5")}).values == {"traffic.requests_per_s": 5}
    with pytest.raises(InputError, match="--rps was given 2 times"):
        flag_statement({"--rps": ("5", "6")})


# --- merging ----------------------------------------------------------------------------------------------------------


def test_the_later_source_wins_whatever_the_order_of_the_statements_and_says_so() -> None:
    kinds: tuple[SourceKind, ...] = ("flag", "settings", "said", "file")
    rates = [stated(kind, traffic__requests_per_s=float(number)) for number, kind in enumerate(kinds, 1)]
    merged = collected(rates, CATALOG)
    assert merged.values["traffic.requests_per_s"] == 1
    assert merged.sources["traffic.requests_per_s"].kind == "flag"
    assert len(merged.notes) == 2, "file ← said and said ← flag; settings are there to be replaced"
    assert set(ORDER) == set(get_args(SourceKind))


def test_a_load_replaces_the_other_kind_of_load() -> None:
    merged = collected([stated("file", traffic__requests_per_s=5.0), flags(concurrency="32")], CATALOG)
    assert "traffic.requests_per_s" not in merged.values
    assert merged.values["traffic.concurrency"] == 32
    assert merged.notes


def test_targets_merge_one_by_one_and_stand_in_one_order() -> None:
    earlier = (
        Target(metric="e2e", percentile="p99", seconds=9),
        {"metric": "ttft", "percentile": "p95", "seconds": 2},
    )
    merged = collected([stated("file", targets=earlier), flags(ttft_p95="1s", itl_p50="30")], CATALOG)
    assert [(t["metric"], t["percentile"], t["seconds"]) for t in merged.values["targets"]] == [
        ("ttft", "p95", 1.0),
        ("itl", "p50", 0.03),
        ("e2e", "p99", 9.0),
    ]
    assert merged.sources["targets"].kind == "flag"
    assert merged.sources["targets"].detail == "--ttft-p95, --itl-p50, the file"


@pytest.mark.parametrize("target", [3, {}, {"metric": "ttft"}, {"metric": "ttft", "percentile": "p95", "seconds": -1}])
def test_what_is_no_target_is_refused(target: Any) -> None:
    with pytest.raises(InputError, match="not a target"):
        collected([stated("file", targets=(target,))], CATALOG)


def test_a_sample_of_lengths_gives_its_own_mean() -> None:
    merged = collected([stated("file", tokens__input__values=(100, 300))], CATALOG)
    assert merged.values["tokens.input.mean"] == 200
    assert merged.sources["tokens.input.mean"].kind == "derived"


# --- presets ----------------------------------------------------------------------------------------------------------


def test_every_preset_completes_a_spec() -> None:
    for preset in CATALOG.presets:
        spec = collected([flags(model="llama-3.1-8b", rps="5", preset=preset)], CATALOG).completed().spec
        assert spec.tokens.input.mean == CATALOG.presets[preset].input.mean
        assert spec.tokens.output.mean == CATALOG.presets[preset].output.mean


def test_a_presets_spread_is_that_of_its_p95_and_survives_another_mean() -> None:
    chat = CATALOG.preset("chat")
    statement = preset_statement(chat)
    again = TokenDistribution(mean=chat.input.mean, p95=chat.input.p95)
    assert statement.values["tokens.input.cv"] == pytest.approx(again.lognormal_cv, abs=1e-3)
    spec = collected([flags(model="8B", rps="5", preset="chat", input_tokens="20k")], CATALOG).completed().spec
    assert spec.tokens.input.mean == 20_000
    assert spec.tokens.input.lognormal_cv == pytest.approx(again.lognormal_cv, abs=1e-3)


def test_the_strongest_source_names_the_preset_and_a_p95_replaces_its_spread() -> None:
    merged = collected([stated("settings", preset="rag"), flags(preset="chat", input_p95="9k")], CATALOG)
    assert merged.sources["tokens.output.mean"].detail == "chat"
    assert merged.values["tokens.input.p95"] == 9000
    assert "tokens.input.cv" not in merged.values
    assert PRESET not in merged.values


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_become_the_catalogs_so_that_equal_questions_are_equal() -> None:
    one = flags(model="Llama 3.1 8B", gpu_type="H100,h100 sxm", precision="FP4", runtime="TRT-LLM", provider="AWS")
    other = flags(
        model="llama-3.1-8b", gpu_type="h100-sxm-80gb", precision="nvfp4", runtime="tensorrt-llm", provider="aws"
    )
    assert collected([one], CATALOG).values == collected([other], CATALOG).values


def test_a_models_later_name_replaces_an_earlier_architecture() -> None:
    architecture = to_builtins(CATALOG.models["llama-3.1-8b"])
    merged = collected([stated("file", model="mine", architecture=architecture), flags(model="qwen3 32b")], CATALOG)
    assert merged.values["model"] == "qwen3-32b"
    assert "architecture" not in merged.values


def test_a_checkpoints_name_stays_since_it_says_the_precision() -> None:
    merged = collected([flags(model="meta-llama/Llama-3.1-70B-Instruct")], CATALOG)
    assert merged.values["model"] == "meta-llama/Llama-3.1-70B-Instruct"
    assert "architecture" not in merged.values


def test_an_unknown_region_is_refused_and_an_own_price_needs_no_provider_of_the_catalog() -> None:
    with pytest.raises(InputError, match=r"no region or place is called 'us-wst-1'; the nearest are us-west-1"):
        collected([flags(region="us-wst-1")], CATALOG)
    assert not collected([flags(region="us-east-1")], CATALOG).notes
    own = collected([flags(region="here", provider="our cellar", usd_per_gpu_hour="1")], CATALOG)
    assert own.values["money.provider"] == "our cellar"
    assert not own.notes


def test_a_place_is_priced_in_its_regions_and_where_none_has_a_price_at_the_nearest() -> None:
    """Neither a place nor a region without offers leaves a plan without a price, and what stands in is said."""
    inside = collected([flags(region="Amsterdam")], CATALOG)
    assert inside.values["money.region"] == "europe-west4,westeurope"
    assert not inside.notes
    continent = collected([flags(region="Europe")], CATALOG).values["money.region"].split(",")
    assert {"eu-central-1", "europe-west4", "FIN-01", "westeurope"} <= set(continent)
    near = collected([flags(region="Frankfurt", provider="azure")], CATALOG)
    assert near.values["money.region"] == "westeurope"
    assert "no price is known in Frankfurt on azure: those of Amsterdam (westeurope), 36" in near.notes[0]
    assert near.sources["money.region"].kind == "derived"
    unsold = collected([flags(region="us-east-1", provider="aws", term="reserved_1y", gpu_type="h100")], CATALOG)
    assert unsold.notes == (
        "no price reserved for 1 year is known in Northern Virginia on aws, nor in any other region",
    )
    everywhere = {offer.region for offer in CATALOG.offers}
    for place in CATALOG.places.places.values():
        found = collected([flags(region=place.name)], CATALOG)
        codes = (found.values["money.region"] or "").split(",")
        assert all(any(known.casefold().startswith(code.casefold()) for known in everywhere) for code in codes), (
            place.id
        )
        assert (codes == [""]) == any("those of any region stand in" in note for note in found.notes), place.id


@pytest.mark.parametrize(
    ("region", "named", "codes"),
    [
        ("Tokyo", {"gpu_type": "h100"}, "ap-northeast-1"),
        ("Tokyo", {"gpu_type": "h100", "provider": "azure"}, None),
        ("japaneast", {"gpu_type": "h100"}, "ap-northeast-1"),
        ("Reykjavik", {"gpu_type": "h100", "provider": "aws"}, "eu-west-2"),
        ("Africa", {"gpu_type": "h100"}, None),
        ("Santiago", {}, None),
        ("Warsaw", {"gpu_type": "h100"}, "eu-north-1,swedencentral"),
        ("Tokyo", {"gpu_type": "l4"}, "ap-northeast-1"),
        ("Tokyo", {"gpu_type": "mi300x"}, None),
    ],
)
def test_what_stands_in_for_a_place_is_near_or_said_to_be_of_any_region(
    region: str, named: dict[str, str], codes: str | None
) -> None:
    found = collected([flags(region=region, **named)], CATALOG)
    assert found.values["money.region"] == codes
    assert codes is not None or "2,500 km" in found.sources["money.region"].detail


# --- completeness -----------------------------------------------------------------------------------------------------


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(IncompleteInput) as none:
        collected([], CATALOG).completed()
    assert len(none.value.missing) == len(REQUIRED)
    for name in NEEDED:
        one_less = {flag: texts for flag, texts in NEEDED.items() if flag != name}
        with pytest.raises(IncompleteInput) as one:
            collected([flag_statement(one_less)], CATALOG).completed()
        assert len(one.value.missing) == 1
        assert name in one.value.missing[0]


@pytest.mark.parametrize("fleet", [{"concurrency": "8"}, {"gpus": "8"}, {"nodes": "1"}])
def test_a_fleet_or_a_closed_loop_needs_no_rate(fleet: dict[str, str]) -> None:
    without = flag_statement({name: texts for name, texts in NEEDED.items() if name != "--rps"})
    other = flags(**fleet)
    both = replace(without, values={**without.values, **other.values}, details={**without.details, **other.details})
    assert collected([both], CATALOG).completed().spec.traffic.requests_per_s is None


def test_a_value_out_of_range_is_named_as_the_user_named_it() -> None:
    with pytest.raises(
        InputError, match=r"^--burstiness 1000: 1,000 as CV of arrivals is implausible; accepted is 0.01 to 50"
    ):
        collected([flag_statement({**NEEDED, "--burstiness": ("1000",)})], CATALOG).completed()
    with pytest.raises(InputError, match=r"^the file: traffic.burst: must be"):
        collected([flag_statement(NEEDED), stated("file", traffic__burst=0.5)], CATALOG).completed()


# --- units of targets -------------------------------------------------------------------------------------------------


def test_one_range_holds_at_every_door() -> None:
    """Flags, files and the page's fields refuse what a sentence does; a door without a way to insist names none."""
    with pytest.raises(InputError, match=r"^--rps 1e6: 1,000,000 requests/s is implausible; .* up to 200,000$"):
        flag_statement({"--rps": ("1e6",)})
    with pytest.raises(InputError, match=r"^a: traffic.requests_per_s: 1,000,000 requests/s .* --insist takes it"):
        spec_of_tree({"traffic": {"requests_per_s": 1e6}}, "a", insist=False)
    with pytest.raises(InputError, match=r"^a: targets.ttft.p95: TTFT of 800 µs is implausible"):
        spec_of_tree({"targets": [{"metric": "ttft", "percentile": "p95", "seconds": 0.0008}]}, "a")
    assert spec_of_tree({"traffic": {"requests_per_s": 1e6}}, "a", insist=True).values
    assert spec_of_tree({"spec": {"traffic": {"requests_per_s": 1e6}}, "sources": {}}, "a").values, "as it was planned"


def test_a_target_that_no_server_reaches_is_taken_for_a_slip_of_its_unit_unless_it_is_insisted_on() -> None:
    with pytest.raises(InputError, match=r"--ttft-p95 0\.8: TTFT of 800 µs .*; did you mean 0\.8s\? --insist"):
        flag_statement({"--ttft-p95": ("0.8",)}, insist=False)
    with pytest.raises(InputError, match=r"accepted is 5 ms to"):
        flag_statement({"--e2e-p99": ("2ms",)})
    assert flag_statement({"--ttft-p95": ("2ms",)}, insist=True).values == {"targets.ttft.p95": 0.002}
    assert flag_statement({"--ttft-p95": ("5ms",), "--itl-p95": ("3",)}).values["targets.itl.p95"] == 0.003


# --- models that embed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["qwen3-embedding-8b", "Qwen/Qwen3-Reranker-4B"])
def test_a_model_that_embeds_needs_no_answer(said: str) -> None:
    spec = collected([flags(model=said, rps="5", input_tokens="500")], CATALOG).completed().spec
    assert (spec.serving.task, spec.tokens.output.mean) == ("embed", 1)


def test_an_encoder_is_refused_with_what_is_known_instead() -> None:
    with pytest.raises(InputError, match=r"an encoder.*Qwen3 Embedding"):
        collected([flags(model="BAAI/bge-m3", rps="5", input_tokens="500")], CATALOG)


def test_a_value_out_of_range_is_told_as_that_field_is_written() -> None:
    with pytest.raises(InputError, match="20,000 % growth a year is implausible; accepted is -99 % to 10,000 %"):
        flags(rps="5", input_tokens="9", output_tokens="9", growth_rate="20000")
