"""The formula of each kind of figure, one a line, under the section of spec-kit/methodology.md that has it.

    figure [where] = arithmetic        computed from other figures of the plan and from what the engine hands out
    figure [where] : left = right      solved for: the equation holds there
    figure [where] ≤ a ≤ b …           solved for: this holds there, and no longer beyond
    figure [where] @ name: words       an entry of the catalog, or a constant with its source
    figure [where] ? words             the best of many, found by a search
    figure [where] ! words | name      simulated; the closed form beside it is the name, where there is one

A * in a figure's path stands for one step, or a part of one, and {0}, {1} … for what it stood for. Of several lines
that fit a path the first holds whose [words] are all true of the plan. An indented line goes on with the one before.
"""

from typing import Final

BOOK: Final = """
## Fleet and ledger
answer.holds_to_requests_per_s = fleet.capacity_requests_per_s
asked.calls_per_s [rate] = spec.traffic.requests_per_s × spec.traffic.calls_per_request
working.replicas = max(fleet.replicas − fleet.ledger.2.replicas, 1)
asked.load [rate] = asked.calls_per_s
asked.load [clients] = spec.traffic.concurrency
asked.each [rate] = replica_capacity.requests_per_s
asked.each [clients] = replica_capacity.requests_per_s × load.capacity.e2e_s
need.peak [given] @ given.replicas: the fleet that was given, without its spares
need.mean [given] = min(max(ceil(need.peak ÷ spec.traffic.peak_factor − 0.000001), fewest.replicas), need.peak)
need.* [given] = need.peak
need.mean = max(ceil(asked.load ÷ asked.each − 0.000001), fewest.replicas)
need.peak = max(ceil(asked.load × spec.traffic.peak_factor ÷ asked.each − 0.000001), fewest.replicas)
need.burst = max(ceil(asked.load × spec.traffic.peak_factor × spec.traffic.burst ÷ asked.each − 0.000001),
    fewest.replicas)
need.growth = max(ceil(asked.load × spec.traffic.peak_factor × spec.traffic.burst × (1
    + spec.traffic.growth_per_year)^spec.traffic.horizon_years ÷ asked.each − 0.000001), need.burst)
fleet.ledger.0.replicas = need.mean
fleet.ledger.1.replicas = need.peak − need.mean
fleet.ledger.2.replicas = spec.availability.spare_replicas
fleet.ledger.3.replicas = need.burst − need.peak
fleet.ledger.4.replicas = need.growth − need.burst
fleet.ledger.5.replicas = 0
fleet.ledger.5.accelerators [rented] = whole.maximum × chosen.offer.accelerators − fleet.maximum_replicas
    × chosen.accelerators_per_replica
fleet.ledger.*.accelerators = fleet.ledger.{0}.replicas × chosen.accelerators_per_replica
fleet.ledger.*.monthly_usd = fleet.ledger.{0}.accelerators × chosen.offer.usd_per_hour ÷ chosen.offer.accelerators
    × month.hours
fleet.replicas = need.peak + spec.availability.spare_replicas
fleet.minimum_replicas [minimum_corrected] ! the smallest number with which the replay meets its minutes
    | lowest.replicas
fleet.minimum_replicas = lowest.replicas
lowest.replicas = min(max(min(ceil(lowest.mean × demand.trough − 0.000001), need.peak), fewest.replicas)
    + spec.availability.spare_replicas, fleet.maximum_replicas)
lowest.mean [rate] = asked.calls_per_s ÷ replica_capacity.requests_per_s
lowest.mean [given] = need.peak ÷ spec.traffic.peak_factor
lowest.mean = need.mean
fleet.maximum_replicas = sum(ledger_replicas.*)
ledger_replicas.* = fleet.ledger.{0}.replicas
fleet.maximum_accelerators = fleet.maximum_replicas × chosen.accelerators_per_replica
fleet.accelerators = fleet.replicas × chosen.accelerators_per_replica
whole.fixed [shared] = ceil(replay.fixed_replicas ÷ floor(chosen.offer.accelerators
    ÷ chosen.accelerators_per_replica))
whole.fixed [rented] = replay.fixed_replicas × ceil(chosen.accelerators_per_replica ÷ chosen.offer.accelerators)
whole.today [shared] = ceil(fleet.replicas ÷ floor(chosen.offer.accelerators ÷ chosen.accelerators_per_replica))
whole.today [rented] = fleet.replicas × ceil(chosen.accelerators_per_replica ÷ chosen.offer.accelerators)
whole.today = fleet.replicas
whole.more [shared] = ceil((fleet.replicas + 1) ÷ floor(chosen.offer.accelerators ÷ chosen.accelerators_per_replica))
whole.more = (fleet.replicas + 1) × ceil(chosen.accelerators_per_replica ÷ chosen.offer.accelerators)
whole.* [shared] = ceil(fleet.{0}_replicas ÷ floor(chosen.offer.accelerators ÷ chosen.accelerators_per_replica))
whole.* = fleet.{0}_replicas × ceil(chosen.accelerators_per_replica ÷ chosen.offer.accelerators)
fleet.instances = whole.today
fleet.billed_accelerators [rented] = fleet.instances × chosen.offer.accelerators
fleet.billed_accelerators = fleet.accelerators
fleet.capacity_requests_per_s = working.replicas × replica_capacity.requests_per_s ÷ spec.traffic.calls_per_request
fleet.capacity_output_tokens_per_s = working.replicas × replica_capacity.requests_per_s × lengths.answer_tokens
fleet.rated_watts = fleet.maximum_accelerators × entry.power_w × (1 + entry.host_share)
outage.parts_s.noticed @ entry.noticed_s: until Kubernetes starts the pods of a lost node elsewhere
outage.parts_s.* = autoscaling.reaction_parts_s.{0}
outage.restart_s = outage.parts_s.weights + outage.parts_s.warm_up + outage.parts_s.ready
outage.lost_node_s = sum(outage.parts_s.*)
outage.spare_monthly_usd [one_instance] = (max(whole.more, fleet.instances + 1) − fleet.instances)
    × chosen.offer.usd_per_hour × month.hours
surge.requests_per_s = spec.traffic.surge_requests_per_s
surge.seconds = spec.traffic.surge_s
surge.served_requests_per_s = fleet.replicas × replica_capacity.saturated_requests_per_s
    ÷ spec.traffic.calls_per_request
surge.queued_requests = max(0, (surge.requests_per_s − surge.served_requests_per_s) × surge.seconds)
surge.longest_wait_s = surge.queued_requests ÷ surge.served_requests_per_s
surge.gone_after_s = surge.queued_requests ÷ (surge.served_requests_per_s − demand.mean_calls_per_s
    ÷ spec.traffic.calls_per_request)
surge.replicas_without_queue = ceil(surge.requests_per_s × spec.traffic.calls_per_request
    ÷ replica_capacity.saturated_requests_per_s × (1 − 0.000000001))
outage.spare_monthly_usd = (max(whole.more, fleet.instances) − fleet.instances) × chosen.offer.usd_per_hour
    × month.hours

## Choosing
chosen.accelerators_per_replica = chosen.tensor_parallel × chosen.pipeline_parallel × chosen.data_parallel
chosen.offer.usd_per_hour [own] = ((entry.purchase_usd × (1 + spec.money.overhead_share))
    ÷ (spec.money.amortisation_years × 12 × month.hours) + entry.power_w ÷ 1000 × spec.money.usd_per_kwh)
    × chosen.offer.accelerators
chosen.offer.* @ offer.{0}: the offer that the bill is made of
chosen.* ? the split that meets the targets for the least money among those that are legal and fit
alternatives.*.accelerators = alternatives.{0}.replicas × alternatives.{0}.tensor_parallel
    × alternatives.{0}.pipeline_parallel × alternatives.{0}.data_parallel
alternatives.* ? the best candidate of another accelerator, or another split of the same, in the same search
rejected.* ? what a candidate needed beside what there was

## Memory
memory.weights_bytes = sum(part_model.*)
memory.kv_cache_bytes_per_token = sum(part_kv.*)
memory.kv_cache_bytes_per_sequence = one.sequence × chosen.accelerators_per_replica ÷ chosen.data_parallel
memory.kv_cache_pool_bytes = one.kv_cache × chosen.accelerators_per_replica
memory.max_concurrent_sequences = max(floor(min(pool.seat_share × one.kv_cache, max(one.kv_cache − one.entry, 0))
    ÷ one.planned × chosen.data_parallel), chosen.data_parallel)
memory.max_concurrent_sequences_p95 = floor(min(one.kv_cache ÷ one.sequence_p95 × chosen.data_parallel,
    memory.max_concurrent_sequences))
memory.headroom = 1 − performance.at_peak.kv_cache_usage
memory.kv_cache_tokens = one.kv_cache × chosen.data_parallel ÷ pool.limit_bytes × pool.limit_tokens
memory.per_accelerator.total_bytes @ one.total: what software sees of the accelerator's memory
memory.per_accelerator.*_bytes = one.{0}
one.weights = sum(part_weights.*)
one.activations [profiled] = max(part_activations.layers, part_activations.sampler) + part_activations.experts
one.activations = 0
one.runtime [logged] = sum(part_runtime.*)
    − max(one.weights + one.activations + sum(part_runtime.*) + one.kv_cache − one.total, 0)
one.runtime = sum(part_runtime.*)
one.kv_cache [logged] = min(max(max(allowed.bytes − one.weights − one.activations − sum(part_runtime.*), 0)
    + pool.more_bytes, 0), one.total − one.weights)
one.kv_cache = max(allowed.bytes − one.weights − one.activations − sum(part_runtime.*), 0)
one.unused = max(one.total − one.weights − one.activations − one.runtime − one.kv_cache, 0)
allowed.bytes [free_share] = min(one.weights + one.activations + sum(part_runtime.*)
    + one.share × (one.total − one.weights − one.activations − sum(part_runtime.*)), one.total)
allowed.bytes [reserved] = sum(part_runtime.*) + one.share × (one.total − sum(part_runtime.*))
allowed.bytes = one.share × one.total
memory.band.*.kv_cache_pool_bytes = pool.{0}_bytes × chosen.accelerators_per_replica
pool.low_bytes = max(one.kv_cache + pool.low_gib × 2^30, 0)
pool.high_bytes = one.kv_cache + pool.high_gib × 2^30
memory.band.*.kv_cache_tokens = pool.{0}_bytes × chosen.data_parallel ÷ pool.limit_bytes × pool.limit_tokens
memory.band.*.max_concurrent_sequences [low_too_small] = 0
memory.band.*.max_concurrent_sequences = max(floor(min(pool.seat_share × pool.{0}_bytes, max(pool.{0}_bytes
    − one.entry, 0)) ÷ one.planned × chosen.data_parallel), chosen.data_parallel)

## A replica at a load
asked.at_mean [rate] = asked.calls_per_s ÷ working.replicas
asked.at_mean = replica_capacity.requests_per_s ÷ spec.traffic.peak_factor
asked.at_peak = asked.at_mean × spec.traffic.peak_factor
performance.*.requests_per_s [clients] = load.{0}.batch ÷ (lengths.decode_steps × load.{0}.step_s + load.{0}.batch
    × load.{0}.prompt_s)
performance.*.requests_per_s = min(asked.{0}, replica_capacity.requests_per_s)
performance.*.batch : performance.{0}.batch ÷ (lengths.decode_steps × load.{0}.step_s + performance.{0}.batch
    × load.{0}.prompt_s) = performance.{0}.requests_per_s
performance.*.in_flight = performance.{0}.requests_per_s × performance.{0}.e2e_s.mean
performance.*.utilisation = performance.{0}.requests_per_s ÷ replica_capacity.saturated_requests_per_s
performance.*.kv_cache_usage = min(performance.{0}.batch × pool.share_of_one, 1)
pool.share_of_one = one.sequence ÷ one.kv_cache ÷ chosen.data_parallel
performance.*.output_tokens_per_s = performance.{0}.requests_per_s × lengths.answer_tokens
performance.*.ttft_s.mean = load.{0}.ttft_s
performance.*.itl_s.mean = load.{0}.itl_s + stall.{0}.each_token_s
performance.*.e2e_s.mean = performance.{0}.ttft_s.mean + lengths.decode_steps × load.{0}.itl_s + stall.{0}.answer_s
performance.*.token_gap_s.mean = load.{0}.itl_s
performance.*.token_gap_s.* = load.{0}.step_s + gap_s.{0}.{1}
performance.*.*_s.* ≤ later.{0}.{1}.{2} ≤ 1 − share.{2} ≤ sooner.{0}.{1}.{2}
later.*.ttft.* = sum(later_prompt.{0}.{1}.*)
load.*.ttft_s = sum(wait_s.{0}.*) + sum(prefill_s.{0}.*)
load.*.itl_s = (load.{0}.step_s + load.{0}.batch × load.{0}.prompt_s ÷ lengths.decode_steps × stall.{0}.met)
    × stall.{0}.wander
load.*.e2e_s = load.{0}.ttft_s + lengths.decode_steps × load.{0}.itl_s + stall.{0}.answer_s
load.*.prompt_s = sum(prompt_s.{0}.*)
load.*.step_s = sum(step_s.{0}.*)
wait_s.*.waiting_for_a_seat = seat.{0}.busy × seat.{0}.wait_s
step_s.*.products = (1 − grid.{0}.between) × sum(kernel_s.{0}_low.*) + grid.{0}.between × sum(kernel_s.{0}_high.*)
step_s.*.LM_head = (1 − grid.{0}.between) × head_s.{0}_low.LM_head + grid.{0}.between × head_s.{0}_high.LM_head
    + context.further_sequence_s × max(load.{0}.batch − context.sampled_positions, 0)
step_s.*.sampling = context.sampling_s × max(load.{0}.batch, 1)
step_s.*.attention_over_the_context = context.sequence_s × (max(load.{0}.batch, 1) + context.extra)
kernel_s.*.* = kernel.{0}.{1}.launches × (kernel.{0}.{1}.t0_s + norm(kernel.{0}.{1}.p, kernel.{0}.{1}.flops
    ÷ kernel.{0}.{1}.flops_per_s, kernel.{0}.{1}.bytes ÷ kernel.{0}.{1}.bytes_per_s))
head_s.*.* = kernel.{0}.{1}.launches × (kernel.{0}.{1}.t0_s + norm(kernel.{0}.{1}.p, kernel.{0}.{1}.flops
    ÷ kernel.{0}.{1}.flops_per_s, kernel.{0}.{1}.bytes ÷ kernel.{0}.{1}.bytes_per_s))
kernel.*.*.flops_per_s = kernel.{0}.{1}.share_of_peak × entry.peak_flops
kernel.*.*.bytes_per_s = kernel.{0}.{1}.share_of_bandwidth × entry.memory_bytes_per_s
targets.*.target_s = spec.targets.{0}.seconds
targets.*.forecast_s [refined] ! the replica's share of the peak hour, request by request | target.{0}
targets.*.forecast_s = target.{0}

## Capacity
replica_capacity.requests_per_s [simulated] ! the largest load at which the simulated peak hour keeps every target
    | limit.least
replica_capacity.requests_per_s [unmet] ? no load keeps every target: the nearest candidate, at what it carries
replica_capacity.requests_per_s : replica_capacity.requests_per_s = limit.least
limit.least = min(limit_of.*)
limit_of.ceiling = spec.serving.utilisation_ceiling × replica_capacity.saturated_requests_per_s
limit_of.target* ≤ late.target{0} ≤ 1 − kept.target{0}
replica_capacity.saturated_requests_per_s = load.saturated.batch ÷ (lengths.decode_steps × load.saturated.step_s
    + load.saturated.batch × load.saturated.prompt_s)
replica_capacity.prefill_tokens_per_s = alone.budget_tokens ÷ sum(alone_s.*) × chosen.data_parallel
replica_capacity.load_curve.*.requests_per_s = shares.curve{0} × replica_capacity.saturated_requests_per_s
replica_capacity.load_curve.*.in_flight = replica_capacity.load_curve.{0}.requests_per_s × load.curve{0}.e2e_s
replica_capacity.load_curve.*.waiting = replica_capacity.load_curve.{0}.requests_per_s × sum(wait_s.curve{0}.*)
replica_capacity.load_curve.*.kv_cache_usage = min(load.curve{0}.batch × pool.share_of_one, 1)
replica_capacity.load_curve.*.*_p95_s ≤ later.curve{0}.{1}.p95 ≤ 1 − share.p95 ≤ sooner.curve{0}.{1}.p95

## Autoscaling thresholds
autoscaling.reaction_parts_s.weights = memory.weights_bytes ÷ spec.scaling.weights_bytes_per_s
autoscaling.reaction_parts_s.node @ start.node_s: by whose node it is
autoscaling.reaction_parts_s.image @ start.image_s: by whose node it is
autoscaling.reaction_parts_s.* = spec.scaling.{0}_s
autoscaling.reaction_time_s = sum(autoscaling.reaction_parts_s.*)
autoscaling.growth_within_reaction = demand.rise × demand.within_hour
demand.within_hour = max(1, entry.within_hour ÷ spec.traffic.burst)^min(1, autoscaling.reaction_time_s ÷ 60)
autoscaling.target_utilisation = 1 ÷ (autoscaling.growth_within_reaction × spec.traffic.burst × replayed.headroom)
autoscaling.rps_per_replica [clients] : curve.planned.in_flight = autoscaling.target_in_flight_per_replica
autoscaling.target_in_flight_per_replica [clients] = autoscaling.target_utilisation × curve.capacity.in_flight
autoscaling.rps_per_replica = autoscaling.target_utilisation × replica_capacity.requests_per_s
autoscaling.target_in_flight_per_replica = curve.planned.in_flight
curve.*.* = fit.{0}.{1}.y0 × (fit.{0}.{1}.y1 ÷ fit.{0}.{1}.y0)^(ln(fit.{0}.load ÷ fit.{0}.{1}.x0)
    ÷ ln(fit.{0}.{1}.x1 ÷ fit.{0}.{1}.x0))
autoscaling.queue_length = max(replica_capacity.requests_per_s × max(0, scale.ttft_limit_s − sum(prefill_s.alone.*)),
    curve.capacity.waiting, 1)
autoscaling.kv_cache_usage [pool_fills] = min(1, max(min(curve.reaction_before_full.kv_cache_usage,
    scale.kv_ceiling), curve.planned.kv_cache_usage))
autoscaling.kv_cache_usage = min(1, max(min(autoscaling.target_utilisation, scale.kv_ceiling),
    curve.planned.kv_cache_usage))
autoscaling.ttft_s [ttft_moves] = sqrt(curve.planned.ttft_p95_s × scale.ttft_upper_s)
autoscaling.ttft_s = curve.planned.ttft_p95_s × (1 + scale.tolerance)
autoscaling.gpu_utilisation = 1 − exp(−autoscaling.target_in_flight_per_replica)
autoscaling.scale_down_window_s [window_corrected] ! the window with which no replica is asked back at once
    | scale.window_s
autoscaling.scale_down_window_s = scale.window_s
scale.window_s = max(scale.stabilisation_s, 2 × autoscaling.reaction_time_s)

## The bill
cost.monthly_usd = fleet.instances × chosen.offer.usd_per_hour × month.hours + spec.money.other_monthly_usd
cost.minimum_monthly_usd [owed] = cost.monthly_usd
cost.minimum_monthly_usd = whole.minimum × chosen.offer.usd_per_hour × month.hours + spec.money.other_monthly_usd
cost.maximum_monthly_usd = whole.maximum × chosen.offer.usd_per_hour × month.hours + spec.money.other_monthly_usd
cost.autoscaled_monthly_usd [owed] = max(cost.monthly_usd,
    held.instances × chosen.offer.usd_per_hour × month.hours + spec.money.other_monthly_usd)
cost.autoscaled_monthly_usd = held.instances × chosen.offer.usd_per_hour × month.hours + spec.money.other_monthly_usd
held.instances [replayed] = replay.accelerator_hours ÷ replayed.hours ÷ chosen.offer.accelerators
held.instances = held_by_hour.instances
cost.cheapest_monthly_usd = offer.cheapest_instances × offer.cheapest_usd_per_hour × month.hours
    + spec.money.other_monthly_usd
cost.dearest_monthly_usd = offer.dearest_instances × offer.dearest_usd_per_hour × month.hours
    + spec.money.other_monthly_usd
cost.other_monthly_usd = spec.money.other_monthly_usd
served.calls_per_month = performance.at_mean.requests_per_s × working.replicas × month.hours × 3600
cost.usd_per_request = cost.monthly_usd ÷ (served.calls_per_month ÷ spec.traffic.calls_per_request)
served.input_share = min(1, max(0, load.at_mean.prompt_s × replica_capacity.saturated_requests_per_s))
cost.usd_per_million_tokens.input = cost.monthly_usd × served.input_share ÷ (served.calls_per_month
    × lengths.prompt_tokens ÷ 1000000)
cost.usd_per_million_tokens.output = cost.monthly_usd × (1 − served.input_share) ÷ (served.calls_per_month
    × lengths.answer_tokens ÷ 1000000)
cost.usd_per_million_tokens.blended = cost.monthly_usd ÷ (served.calls_per_month × (lengths.prompt_tokens
    + lengths.answer_tokens) ÷ 1000000)
cost.idle_share = min(1, max(0, 1 − performance.at_mean.requests_per_s × working.replicas
    ÷ replica_capacity.requests_per_s × chosen.accelerators_per_replica ÷ fleet.billed_accelerators))

## Energy
energy.watts = entry.power_w × (working.replicas × chosen.accelerators_per_replica × power.share
    + (fleet.billed_accelerators − working.replicas × chosen.accelerators_per_replica) × power.idle)
power.share = exp(−performance.at_mean.in_flight) × power.idle + (1 − exp(−performance.at_mean.in_flight))
    × (power.running + (power.saturated − power.running) × min(max(performance.at_mean.utilisation, 0), 1))
energy.kwh_per_month = energy.watts ÷ 1000 × month.hours
energy.joules_per_output_token = energy.watts ÷ (performance.at_mean.output_tokens_per_s × working.replicas)
energy.g_co2e_per_month = energy.kwh_per_month × spec.money.grid_g_co2e_per_kwh

## Bands
bands.level = spec.band
bands.performance.*.*_s.*.low = performance.{0}.{1}_s.{2} × band_of.{1}.low
bands.performance.*.*_s.*.high = performance.{0}.{1}_s.{2} × band_of.{1}.high
band_of.*.low = exp(min(band.{0}.quantile_low × hypot(band_part.{0}.*), 0))
band_of.*.high = exp(max(band.{0}.quantile_high × hypot(band_part.{0}.*), 0))
carried.low [never_within] = min(band_of.throughput.low × band.room.low, 1)
carried.low = min(band_of.throughput.low × band.room.low, band.within.steps, band.within.first_tokens)
carried.high = band_of.throughput.high × band.room.high
bands.replica_capacity.requests_per_s.* = replica_capacity.requests_per_s × carried.{0}
bands.replica_capacity.prefill_tokens_per_s.low = replica_capacity.prefill_tokens_per_s ÷ band_of.ttft.high
bands.replica_capacity.prefill_tokens_per_s.high = replica_capacity.prefill_tokens_per_s ÷ band_of.ttft.low
bands.fleet.replicas.low = fleet.replicas
bands.fleet.replicas.high [given] = fleet.replicas
bands.fleet.replicas.high = max(ceil(performance.at_peak.requests_per_s × working.replicas
    ÷ (replica_capacity.requests_per_s × carried.low)), working.replicas) + spec.availability.spare_replicas
bands.fleet.accelerators.* = bands.fleet.replicas.{0} × chosen.accelerators_per_replica
bands.fleet.capacity_requests_per_s.* = fleet.capacity_requests_per_s × carried.{0}
bands.chance_of_meeting ? the largest share of cases in which the peak hour's rate is still carried within the targets
bands.parts.*.groups @ band_groups.part{0}: what the spread was fitted on
bands.parts.*.* = exp(band_level.{1}.part{0} × (band.{1}.quantile_high − band.{1}.quantile_low) ÷ 2)

## Simulation
verification.*_s.*.value ! the replica's share of the peak hour, request by request | verification.{0}_s.{1}.formula
verification.targets.*.target_s = spec.targets.{0}.seconds
verification.targets.*.simulated_s ! the replica's share of the peak hour, request by request
    | verification.targets.{0}.formula_s
verification.utilisation ! the share of the time in which a step ran | performance.at_peak.utilisation
verification.kv_cache_usage ! the mean over steps | performance.at_peak.kv_cache_usage
verification.* ! the replica's share of the peak hour, request by request

## The replay
replay.fixed_replicas = fleet.ledger.0.replicas + fleet.ledger.1.replicas + fleet.ledger.2.replicas
    + fleet.ledger.3.replicas
replay.fixed_accelerator_hours [rented] = whole.fixed × chosen.offer.accelerators × replayed.hours
replay.fixed_accelerator_hours = replay.fixed_replicas × chosen.accelerators_per_replica × replayed.hours
replay.replica_hours = sum(replay.replicas_by_hour.*)
replay.saving = 1 − replay.accelerator_hours ÷ replay.fixed_accelerator_hours
replay.requests_per_s_by_hour.* ! the profile's hour with the noise of its minutes, drawn | hour.{0}
hour.* = demand.hour{0} × demand.mean_calls_per_s
replay.moments.*.targets.*.target_s = spec.targets.{1}.seconds
replay.moments.*.*_s.*.value ! ten minutes of the replay, request by request | replay.moments.{0}.{1}_s.{2}.formula
replay.* ! the fleet under its autoscaler, minute by minute

## An estimate
estimate.flops.prefill_total = sum(prompt_flops.*)
estimate.flops.per_token = sum(token_flops.*)
estimate.ttft_s.mean [rps] = sum(wait_s.given.*) + sum(prefill_s.given.*)
estimate.ttft_s.mean = sum(ttft_part_s.*)
estimate.itl_s.mean [rps] = load.given.itl_s + stall.given.each_token_s
estimate.itl_s.mean [offline] = load.given.step_s + estimate.batch × load.given.prompt_s ÷ lengths.decode_steps
estimate.itl_s.mean = sum(itl_part_s.*)
estimate.e2e_s.mean [rps] = estimate.ttft_s.mean + lengths.decode_steps × load.given.itl_s + stall.given.answer_s
estimate.e2e_s.mean = estimate.ttft_s.mean + lengths.decode_steps × estimate.itl_s.mean
estimate.requests_per_s [rps] = estimate.load.value × spec.traffic.calls_per_request
estimate.requests_per_s [concurrency] = min(estimate.load.value ÷ (estimate.e2e_s.mean + client.turnaround_s),
    client.most_requests_per_s)
estimate.requests_per_s [static_batch] = estimate.batch ÷ estimate.e2e_s.mean
estimate.requests_per_s = estimate.batch ÷ (lengths.decode_steps × load.given.step_s + estimate.batch
    × load.given.prompt_s)
estimate.output_tokens_per_s = estimate.requests_per_s × lengths.answer_tokens
estimate.output_tokens_per_s_per_accelerator = estimate.output_tokens_per_s ÷ chosen.accelerators_per_replica

## Calibration
provenance.* ? what measurements of the server made of the fit's constants
"""
