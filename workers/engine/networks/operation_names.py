"""The names of torch's operations, by what they do; most that work element by element torch marks itself."""

# What moves whole axes, and what picks or repeats elements along them.
TURNING = frozenset("permute transpose t unsqueeze roll flip".split())  # noqa: SIM905
MOVING = TURNING | frozenset(
    """squeeze expand slice select split split_with_sizes unsafe_split unbind repeat pixel_unshuffle
    channel_shuffle native_channel_shuffle index_select narrow unfold""".split()  # noqa: SIM905
)
PASSING = frozenset("clone alias detach lift_fresh contiguous _to_copy".split())  # noqa: SIM905
RESHAPING = frozenset("view _unsafe_view reshape _reshape_alias".split())  # noqa: SIM905
# Element by element, as the batch normalization of evaluation is too.
ELEMENTWISE = frozenset(
    """native_batch_norm cudnn_batch_norm miopen_batch_norm _native_batch_norm_legit_no_training
    _native_batch_norm_legit _batch_norm_with_update native_dropout copy dropout feature_dropout hardtanh threshold
    where relu relu6 leaky_relu elu gelu silu hardswish hardsigmoid softplus mish prelu _prelu_kernel clamp clamp_min
    clamp_max rsub masked_fill fill lerp celu selu glu_jvp""".split()  # noqa: SIM905
)
POOLING = ("max_pool", "avg_pool")
REDUCING = frozenset("mean sum amax amin max min var std var_mean norm linalg_vector_norm prod logsumexp".split())  # noqa: SIM905
NORMALIZING = frozenset("native_layer_norm _fused_rms_norm native_group_norm _softmax _log_softmax cumsum".split())  # noqa: SIM905
ATTENDING = ("scaled_dot_product", "_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_flash_attention")
# What reads nothing but the shape of what it is given.
SHAPES_ONLY = frozenset("zeros_like ones_like empty_like full_like new_empty new_zeros new_ones new_full".split())  # noqa: SIM905
