import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs import units
from catalogs.errors import InputError

READERS: list[Callable[[str], float]] = [
    units.read_number,
    units.read_count,
    units.read_tokens,
    units.read_rate,
    lambda text: units.read_seconds(text, unit="ms"),
    units.read_seconds,
    units.read_share,
    units.read_percentage,
    units.read_factor,
    units.read_usd,
    lambda text: units.read_usd(text, per="month"),
    units.read_billions,
    units.read_watts,
]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", 1500),
        ("1,500", 1500),
        ("1_500", 1500),
        ("1.5k", 1500),
        (" 1.5 K ", 1500),
        ("5M", 5e6),
        ("2 million", 2e6),
        ("1,500,000.5", 1500000.5),
        ("1e3", 1000),
        (".5", 0.5),
        ("-3", -3),
        ("1.1k", 1100),
    ],
)
def test_a_number_is_read_whole(text: str, value: float) -> None:
    assert units.read_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "abc", "nan", "inf", "-inf", "1e400", "k", "e5", "-E0", ".", "²", "٣", "1e", "0x10", "--3", "5x"),
        *("1,5", "12,34", "1,500,00", "1.2.3", "1 500", "5 5", "1__0", "_1"),
    ],
)
def test_what_is_not_a_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        units.read_number(text, "answer length")
    assert str(refusal.value).startswith(f"answer length {text!r}")


def test_a_decimal_comma_is_said_to_be_ambiguous() -> None:
    with pytest.raises(InputError, match=r"ambiguous: write 1\.5 for a fraction or 1,500 for a thousand"):
        units.read_tokens("1,5")


@pytest.mark.parametrize(
    ("text", "per_second"),
    [
        ("20", 20),
        ("20 rps", 20),
        ("20rps", 20),
        ("20/s", 20),
        ("20 req/s", 20),
        ("20 requests per second", 20),
        ("5M/day", 5e6 / 86_400),
        ("5m requests/day", 5e6 / 86_400),
        ("5 million per day", 5e6 / 86_400),
        ("5 million requests a day", 5e6 / 86_400),
        ("86,400 daily", 1),
        ("600 rpm", 10),
        ("600/min", 10),
        ("7.2k per hour", 2),
        ("2,628,000 per month", 1),
    ],
)
def test_a_rate_is_read_in_requests_per_second(text: str, per_second: float) -> None:
    assert units.read_rate(text) == pytest.approx(per_second, rel=1e-12)


@pytest.mark.parametrize("text", ["0", "-2", "20 tps", "20 requests", "20 per", "20/fortnight", "20 rps rps", "20 ms"])
def test_what_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="rate"):
        units.read_rate(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("800ms", 0.8), ("800", 0.8), ("1.2 s", 1.2), ("2min", 120), ("2 minutes", 120), ("1h", 3600), ("50 µs", 5e-5)],
)
def test_a_duration_is_read_in_seconds_and_a_bare_one_in_the_given_unit(text: str, seconds: float) -> None:
    assert units.read_seconds(text, unit="ms") == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "watts"), [("40kW", 4e4), ("40", 4e4), ("900 W", 900), ("0.2MW", 2e5), ("12.5 kilowatts", 12_500)]
)
def test_a_power_is_read_in_watts_and_a_bare_one_in_the_given_unit(text: str, watts: float) -> None:
    assert units.read_watts(text, unit="kW") == pytest.approx(watts, rel=1e-12)


@pytest.mark.parametrize("text", ["40 kWh", "0 kW", "-1kW", "kW", "inf kW"])
def test_what_is_no_power_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="power"):
        units.read_watts(text, unit="kW")


def test_a_bare_duration_without_a_unit_is_refused() -> None:
    with pytest.raises(InputError, match="'800' is not a time"):
        units.read_seconds("800")


def test_90m_could_be_minutes_or_milliseconds() -> None:
    with pytest.raises(InputError, match="write min or ms"):
        units.read_seconds("90m", unit="ms")


def test_a_share_is_a_percentage_or_a_fraction_and_never_guessed() -> None:
    assert units.read_share("20%") == units.read_share("0.2") == units.read_share("20 percent") == 0.2
    with pytest.raises(InputError, match="write 20% if that is what is meant"):
        units.read_share("20")
    with pytest.raises(InputError, match="at most 100 %"):
        units.read_share("120%")


def test_a_percentage_needs_no_sign() -> None:
    assert units.read_percentage("20") == units.read_percentage("20%") == 0.2
    with pytest.raises(InputError, match="must not be negative"):
        units.read_percentage("-20")


@pytest.mark.parametrize(
    ("text", "usd"),
    [("$20k", 20_000), ("20000 USD", 20_000), ("usd 20k", 20_000), ("$20k/month", 20_000), ("$2 per hour", 1460)],
)
def test_money_is_read_per_month_where_that_is_asked(text: str, usd: float) -> None:
    assert units.read_usd(text, per="month") == pytest.approx(usd)


def test_money_without_a_period_refuses_one_and_other_currencies() -> None:
    for text in ("$20k/month", "€20", "20 EUR", "-$5", "$-5"):
        with pytest.raises(InputError):
            units.read_usd(text)


@pytest.mark.parametrize(("text", "billions"), [("70B", 70), ("70", 70), ("0.5b", 0.5), ("500M", 0.5), ("1.5T", 1500)])
def test_a_model_size_is_in_billions(text: str, billions: float) -> None:
    assert units.read_billions(text) == billions


def test_whole_counts_refuse_fractions_and_zero() -> None:
    assert units.read_tokens("1.5k tokens") == 1500
    for text in ("1.5", "0", "-1", "500 requests"):
        with pytest.raises(InputError):
            units.read_tokens(text)


@given(st.text(max_size=40) | st.from_regex(r"[-+$]?[0-9.,_e]{1,8} ?[a-zA-Z%/µ ]{0,12}", fullmatch=True))
def test_any_text_is_read_as_a_finite_value_or_refused_in_one_line(text: str) -> None:
    for read in READERS:
        try:
            value = read(text)
        except InputError as refusal:
            assert "\n" not in str(refusal)
        else:
            assert math.isfinite(value)


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_a_plain_number_reads_back_as_itself(value: float) -> None:
    assert units.read_number(repr(value)) == value


@given(st.integers(min_value=0, max_value=10**15))
def test_a_count_with_commas_reads_back_as_itself(value: int) -> None:
    assert units.read_count(units.show_count(value)) == value


@given(st.floats(min_value=1e-6, max_value=99))
def test_a_duration_reads_back_to_three_digits(seconds: float) -> None:
    assert units.read_seconds(units.show_seconds(seconds)) == pytest.approx(seconds, rel=5.1e-3)


@given(st.floats())
def test_every_figure_can_be_shown(value: float) -> None:
    """In a few characters: of a slip of the hand nobody reads 300 digits."""
    for show in (units.show_seconds, units.show_bytes, units.show_usd, units.show_percent, units.show_rate):
        assert 0 < len(show(value)) < 40
    assert 0 < len(units.show_count(value)) < 40
    assert 0 < len(units.show_count(value, compact=True)) < 40


@given(st.integers(100, 9999), st.integers(-6, 2), st.floats(-1e-8, 1e-8))
def test_half_a_digit_is_rounded_as_that_of_the_plans_file(digits: int, power: int, off: float) -> None:
    """So that two places of a plan, one before and one after it was written, name the same."""
    written = (digits + 0.5) * 10.0**power
    for show in (units.show_seconds, units.show_usd, units.show_percent, units.show_figure, units.show_rate):
        assert show(written * (1 + off)) == show(written)
    assert units.show_count(written * (1 + off), compact=True) == units.show_count(written, compact=True)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (units.show_seconds(0.82), "820 ms"),
        (units.show_seconds(0.99961), "1 s"),
        (units.show_seconds(1.24), "1.24 s"),
        (units.show_seconds(126), "2.1 min"),
        (units.show_seconds(0), "0 s"),
        (units.show_seconds(math.inf), "∞ s"),
        (units.show_count(5_000_000), "5,000,000"),
        (units.show_count(1500, compact=True), "1.5k"),
        (units.show_count(999_999, compact=True), "1M"),
        (units.show_bytes(327_680), "320 KiB"),
        (units.show_bytes(80e9), "74.5 GiB"),
        (units.show_usd(12_345.4), "$12,345"),
        (units.show_usd(3.29), "$3.29"),
        (units.show_usd(0.00123), "$0.00123"),
        (units.show_usd(-3), "-$3.00"),
        (units.show_percent(1.13), "113 %"),
        (units.show_rate(57.87), "57.9 requests/s"),
    ],
)
def test_figures_are_shown_with_three_digits_and_a_unit(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_most_that_is_shown_is_never_more_than_it_is() -> None:
    assert [units.rounded_down(value) for value in (75.69, 142_345.0, 9.999)] == pytest.approx([75.6, 142_000, 9.99])
