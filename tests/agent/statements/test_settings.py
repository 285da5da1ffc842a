import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.statements.flags import ALL
from agent.statements.settings import setting_called, with_setting
from catalogs.errors import InputError
from tests.draws import draws

WRITTEN = """\
# my defaults
band = 95
traffic.peak_factor = 3  # measured

[money]  # ours
provider = "aws"
term = "spot"

[tokens.input]
mean = "1.5k"
"""
PATHS = sorted({flag.path for flag in ALL if flag.read and not flag.path.startswith("dimension.")})


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    return {
        name: value
        for key, one in tree.items()
        for name, value in (flat(one, f"{prefix}{key}.") if isinstance(one, dict) else {f"{prefix}{key}": one}).items()
    }


def test_one_line_changes_and_what_stands_around_it_stays() -> None:
    assert with_setting(WRITTEN, "money.provider", "azure") == WRITTEN.replace('"aws"', '"azure"')
    assert with_setting(WRITTEN, "money.provider", None) == WRITTEN.replace('provider = "aws"\n', "")
    assert with_setting(WRITTEN, "money.region", "Europe") == WRITTEN.replace(
        "[money]  # ours\n", '[money]  # ours\nregion = "Europe"\n'
    )
    assert with_setting("", "money.region", "Europe") == '[money]\nregion = "Europe"\n'


@given(st.lists(st.tuples(st.sampled_from(PATHS), st.none() | st.text(max_size=8)), max_size=6))
@settings(max_examples=draws(100))
def test_a_value_that_is_set_is_read_again_and_no_other_moves(changes: list[tuple[str, str | None]]) -> None:
    text, held = WRITTEN, flat(tomllib.loads(WRITTEN))
    for path, value in changes:
        try:
            text = with_setting(text, path, value)
        except InputError:  # in lines that do not show it, such as a table that dotted keys began
            continue
        held = {name: one for name, one in held.items() if name != path} | ({} if value is None else {path: value})
        assert flat(tomllib.loads(text)) == held
        assert "# my defaults" in text


@pytest.mark.parametrize("name", ["gpu-type", "--gpu-type", "hardware.accelerators"])
def test_a_setting_is_called_by_its_flag_or_its_path(name: str) -> None:
    assert setting_called(name).path == "hardware.accelerators"


def test_what_is_no_setting_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="gpu-type"):
        setting_called("gpu-typ")
    with pytest.raises(InputError, match="no setting"):
        setting_called("layers")
