"""Layers whose state does not grow with the context, from the fields of a config.

Sizes follow the modelling code of transformers 5.23; convolution and decay parameters are counted apart from the two
projections.
"""

from catalogs.configs.fields import Fields
from catalogs.records.models import LinearAttention


def linear_layer(fields: Fields) -> LinearAttention:
    """Return the linear layer of a decoder, by the fields that describe one."""
    if fields.value("linear_num_value_heads"):
        return _gated_delta_net(fields)
    if fields.part("linear_attn_config") or fields.value("linear_num_heads"):
        return _kimi_delta_attention(fields)
    if fields.value("conv_L_cache"):
        return _short_convolution(fields)
    if fields.value("mamba_num_heads", "mamba_n_heads", "n_mamba_heads"):
        return _mamba2(fields)
    if fields.value("mamba_d_state"):
        return _mamba1(fields)
    return _lightning(fields)


def _gated_delta_net(fields: Fields) -> LinearAttention:
    key_heads, key_dim = fields.integer("linear_num_key_heads"), fields.integer("linear_key_head_dim")
    value_heads, value_dim = fields.integer("linear_num_value_heads"), fields.integer("linear_value_head_dim")
    kernel = fields.integer_or(4, "linear_conv_kernel_dim")
    keys, values = key_heads * key_dim, value_heads * value_dim
    channels = 2 * keys + values
    return LinearAttention(
        input_columns=channels + values + 2 * value_heads,  # q, k, v, the gate z, and b and a per value head
        output_rows=values,
        state_elements=value_heads * key_dim * value_dim,
        state_bytes_per_element=_state_bytes(fields, "mamba_ssm_dtype"),
        convolution_elements=(kernel - 1) * channels,
        heads=key_heads,
        extra_parameters=kernel * channels + 2 * value_heads + value_dim,
    )


def _kimi_delta_attention(fields: Fields) -> LinearAttention:
    inner = fields.part("linear_attn_config")
    heads = int(inner.get("num_heads") or fields.integer("linear_num_heads", "num_attention_heads"))
    head_dim = int(inner.get("head_dim") or fields.integer("linear_head_dim", "head_dim"))
    kernel = int(inner.get("short_conv_kernel_size") or fields.integer_or(4, "linear_conv_kernel_dim"))
    width = heads * head_dim
    # the decay is projected in two steps through head_dim columns, and so is the gate unless it has full rank
    gate_columns, gate_second = (width, 0) if inner.get("use_full_rank_gate") else (head_dim, head_dim * width)
    return LinearAttention(
        input_columns=3 * width + heads + head_dim + gate_columns,  # q, k, v, b, decay, gate
        output_rows=width,
        state_elements=heads * head_dim * head_dim,
        convolution_elements=(kernel - 1) * 3 * width,
        heads=heads,
        extra_parameters=head_dim * width + gate_second + kernel * 3 * width + width + heads + head_dim,
    )


def _short_convolution(fields: Fields) -> LinearAttention:
    hidden, kernel = fields.integer("hidden_size"), fields.integer("conv_L_cache")
    return LinearAttention(
        input_columns=3 * hidden,
        output_rows=hidden,
        state_elements=0,
        convolution_elements=(kernel - 1) * hidden,
        heads=hidden,
        extra_parameters=kernel * hidden,
    )


def _mamba2(fields: Fields) -> LinearAttention:
    heads = fields.integer("mamba_num_heads", "mamba_n_heads", "n_mamba_heads")
    inner = fields.integer_or(0, "mamba_d_ssm")
    if not inner:
        dim = fields.value("mamba_head_dim", "mamba_d_head", "mamba_headdim")
        expanded = fields.integer_or(2, "mamba_expand", "expand") * fields.integer("hidden_size")
        inner = heads * dim if isinstance(dim, int) else expanded
    state = fields.integer("ssm_state_size", "mamba_d_state")
    groups = fields.integer_or(1, "mamba_n_groups", "mamba_ngroups", "n_groups")
    kernel = fields.integer_or(4, "mamba_d_conv", "conv_kernel")
    channels = inner + 2 * groups * state
    return LinearAttention(
        input_columns=2 * inner + 2 * groups * state + heads,
        output_rows=inner,
        state_elements=inner * state,
        state_bytes_per_element=_state_bytes(fields, "mamba_ssm_cache_dtype"),
        convolution_elements=(kernel - 1) * channels,
        heads=heads,
        extra_parameters=(kernel + 1) * channels + 3 * heads + inner,
    )


def _mamba1(fields: Fields) -> LinearAttention:
    hidden, state = fields.integer("hidden_size"), fields.integer("mamba_d_state")
    inner = fields.integer_or(2, "mamba_expand") * hidden
    kernel = fields.integer_or(4, "mamba_d_conv")
    rank = fields.value("mamba_dt_rank")
    rank = rank if isinstance(rank, int) else -(-hidden // 16)
    return LinearAttention(
        input_columns=2 * inner,
        output_rows=inner,
        state_elements=inner * state,
        convolution_elements=(kernel - 1) * inner,
        heads=inner,
        # the selective projections, the convolution, A, D and the three norms of Jamba
        extra_parameters=inner * (2 * rank + 2 * state + kernel + state + 3) + rank + 2 * state,
    )


def _lightning(fields: Fields) -> LinearAttention:
    heads = fields.integer("num_attention_heads")
    head_dim = fields.integer_or(fields.integer("hidden_size") // heads, "head_dim")
    width = heads * head_dim
    return LinearAttention(
        input_columns=4 * width,  # q, k, v and the gate
        output_rows=width,
        state_elements=heads * head_dim * head_dim,
        heads=heads,
        extra_parameters=width,
    )


def _state_bytes(fields: Fields, name: str) -> float:
    return 2.0 if "16" in str(fields.value(name) or "") else 4.0
