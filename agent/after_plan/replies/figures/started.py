"""The command that starts a replica, and how to test one under load."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.memory import native_context
from agent.after_plan.sums import Explanation
from agent.report.blocks import Command, Facts
from agent.report.words import start_lead
from catalogs.units import show_count, show_figure, show_rate, show_seconds
from engine.planning.launch import loaded_model


def start(asked: Asked) -> Explanation:
    """Return the command that starts a replica, its flags with their reasons, and how many to start."""
    chosen = asked.plan.chosen
    if not chosen.command:
        return paragraphs(f"No command is known that starts {chosen.runtime} like this.")
    flags = Facts(tuple((f"{flag.flag} {flag.value}".strip(), flag.why) for flag in chosen.flags))
    cap = next((flag.value for flag in chosen.flags if "num-seqs" in flag.flag or "max-running" in flag.flag), "")
    seats = ""
    if asked.has("max-num-seqs|num-seqs|max_num_seqs|seats|max-running-requests"):
        peak, held = asked.plan.performance.at_peak, asked.plan.memory.max_concurrent_sequences
        seats = (
            f"{'Set to ' + cap if cap else 'No cap is set'}: {show_figure(peak.in_flight)} requests are in flight at"
            f" the peak and memory holds {show_count(held)}; anything between {show_count(round(2 * peak.in_flight))}"
            " and that changes nothing, a smaller cap makes requests wait."
        )
    many = (
        f"Start {asked.plan.fleet.replicas} of them behind a load balancer that routes to the least requests in flight."
    )
    cluster = (
        "'export kubernetes', 'export helm values', 'export compose' write the files of this plan; Terraform and"
        " Ansible are not written: put this command into yours."
        if asked.has("kubernetes|k8s|helm|compose|manifest|yaml|docker|terraform|ansible|chart|values")
        else ""
    )
    native = None if asked.plan.spec.serving.context_window else native_context(asked)
    room = (
        f"No cap on the context is set: a request may hold {show_count(native)} tokens; 'context window 8192' caps it."
        if native
        else ""
    )
    return (Command(chosen.command, start_lead(chosen)), flags, *paragraphs(seats, room, many, cluster))


def load_test(asked: Asked) -> Explanation:
    """Return how the plan is checked: simulated here, and measured on one replica."""
    from agent.report.calibration_report import benchmark_command

    plan = asked.plan
    tokens, each = plan.spec.tokens, plan.performance.at_peak
    lengths, rate = (round(tokens.input.mean), round(tokens.output.mean)), f"--request-rate {each.requests_per_s:.3g}"
    prompts = max(200, round(600 * each.requests_per_s))
    bench = benchmark_command(
        plan.chosen.runtime, loaded_model(plan.chosen.command) or plan.chosen.model, lengths, rate, prompts
    )
    expected = (
        f"One replica ({plan.chosen.accelerators_per_replica} × {plan.chosen.accelerator_name}) is enough to test. At"
        f" {show_rate(each.requests_per_s)} expect TTFT p95 {show_seconds(each.ttft_s.p95)}, ITL mean"
        f" {show_seconds(each.itl_s.mean)} and {show_figure(each.in_flight)} requests in flight; your own prompts are"
        " better than random ones, which vary less in length and share no prefix."
    )
    return (
        *paragraphs(expected),
        Command(bench, "Against one replica at its share of the peak:"),
        Command(
            "fleetcast simulate plan.json",
            "Here, request by request, after 'save plan.json' (a day with '--day', a trace with '--trace'):",
        ),
    )
