"""The fields of what a fleet must survive and cost: spares, scaling, money; and the error bands of the answer."""

from typing import Final

from agent.fields.field import Absent, Field, Plausible
from agent.fields.readers import (
    read_hourly_usd,
    read_level,
    read_monthly_usd,
    read_names,
    read_spares,
    read_start,
    read_term,
    read_text,
)
from agent.fields.value_display import gigabytes_shown, names_shown, term_shown
from catalogs.units import read_whole, show_figure, show_percent, show_seconds, show_usd

AVAILABILITY: Final = (
    Field(
        "availability.spare_replicas", "--spare-replicas", read_spares, "N", "Beyond the load; none by default.",
        label="spare replicas", answer="{} spare replicas", slot="availability", answers=True,
        plausible=Plausible(0, 1000, "spare replicas", whole=True),
        absent=Absent(0, "no spare replicas", r"(?:spares?|redundancy|standby)(?: replicas?)?", "no spares"),
    ),
    Field(
        "availability.minimum_replicas", "--min-replicas", read_whole, "N", "At least so many.",
        label="replicas, at least", answer="at least {} replicas", slot="availability",
        plausible=Plausible(1, 1e5, "replicas", whole=True),
    ),
)  # fmt: skip

SCALING: Final = (
    Field("scaling.scrape_s", label="metric scrape", show=show_seconds, quiet=True),
    Field("scaling.poll_s", label="autoscaler poll", show=show_seconds, quiet=True),
    Field("scaling.controller_s", label="controller sync", show=show_seconds, quiet=True),
    Field("scaling.metric_window_s", label="metric window", show=show_seconds, quiet=True),
    Field(
        "scaling.node_s", "--node-start", read_start, "TIME", "Until a new node is up: 5min; 0s where nodes are warm.",
        label="new node", show=show_seconds, quiet=True,
    ),
    Field(
        "scaling.image_s", "--image-pull", read_start, "TIME", "Until it holds the image: 3min; 0s where it is there.",
        label="container image", show=show_seconds, quiet=True,
    ),
    Field(
        "scaling.weights_bytes_per_s", label="loading of weights", show=gigabytes_shown, unit="GB/s", quiet=True
    ),
    Field("scaling.warm_up_s", label="warm-up", show=show_seconds, quiet=True),
    Field("scaling.ready_s", label="readiness", show=show_seconds, quiet=True),
)  # fmt: skip

MONEY: Final = (
    Field(
        "money.provider", "--provider", read_text, "NAME",
        "Whose prices: one, several with commas, or any for the cheapest; the usual price by default.",
        label="provider", show=str, answer="{}", slot="money", answers=True,
    ),
    Field(
        "money.excluded_providers", "--exclude-provider", read_names, "NAMES", "Not theirs.",
        label="providers excluded", show=names_shown, answer="not from {}", slot="money",
    ),
    Field("money.region", "--region", read_text, "NAME", "Where.", label="region", show=str, answer="{}", slot="money"),
    Field("money.stands_in_for", label="where no price is known", show=str, quiet=True),
    Field(
        "money.term", "--term", read_term, "TERM", "on_demand by default; spot, reserved_1y, reserved_3y, owned.",
        label="term", show=term_shown, answer="{}", slot="money", answers=True,
    ),
    Field(
        "money.usd_per_accelerator_hour", "--usd-per-gpu-hour", read_hourly_usd, "USD", "Your own price.",
        label="price per accelerator hour", show=show_usd, answer="{} an hour per GPU", slot="money", answers=True,
        plausible=Plausible(0.01, 1000, "USD an hour"),
    ),
    Field("money.billed_together", label="billed together", show=str, unit="accelerators", quiet=True),
    Field(
        "money.monthly_budget_usd", "--budget", read_monthly_usd, "USD", "A month; more than that is exit code 4.",
        label="budget a month", show=show_usd, answer="at most {} a month", slot="money", answers=True,
        plausible=Plausible(1, 1e10, "USD a month"),
    ),
    Field(
        "money.other_monthly_usd", "--other-costs", read_monthly_usd, "USD", "A month, beside the accelerators.",
        label="other costs a month", show=show_usd, answer="{} a month beside the GPUs", slot="money", quiet=True,
        plausible=Plausible(0, 1e10, "USD a month"),
    ),
    Field(
        "money.amortisation_years", label="amortised over", show=show_figure, unit="years", quiet=True, slot="money",
        answer="paid off over {} years", plausible=Plausible(0.5, 20, "years"),
    ),
    Field(
        "money.usd_per_kwh", label="electricity per kWh", show=show_usd, quiet=True, slot="money",
        answer="electricity at {} per kWh",
    ),
    Field("money.overhead_share", label="overhead of owning", show=show_percent, quiet=True),
    Field("money.grid_g_co2e_per_kwh", label="grid, gCO2e per kWh", show=show_figure),
)  # fmt: skip

ANSWER: Final = (
    Field(
        "band", "--band", read_level, "LEVEL", "Of the error bands: 50, 80 (the default) or 95 per cent.",
        label="error bands", show=str, unit="%", quiet=True,
    ),
)  # fmt: skip
