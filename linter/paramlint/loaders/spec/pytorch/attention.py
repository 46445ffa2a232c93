"""``nn.MultiheadAttention`` and the function ``scaled_dot_product_attention``."""

from __future__ import annotations

from paramlint.formulas import attention, formula, macs
from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders.spec.arguments import flag, number, optional, positive, probability
from paramlint.loaders.spec.layer_checks import at_most, ranked, same_size, show, symbol
from paramlint.loaders.spec.pytorch.checks import BIAS, DEVICE
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer


def _plus(size: Dim, extra: int) -> Dim:
    if not extra:
        return size
    return size + extra if isinstance(size, int) else None


def _three(call: Call) -> tuple[Shape, Shape, Shape]:
    """Query, key and value as sequences; keys and values are equally long."""
    if sum(tensor is not None for tensor in call.inputs[:3]) < 3:
        call.fail("MultiheadAttention needs query, key and value", "inputs", "write inputs: [x, x, x]")
    at_most(call, 5)  # two masks may follow, which change no number
    query, key, value = (ranked(call, [2], index, "a sequence [steps, features]") for index in range(3))
    same_size(call, key[0], value[0], f"key {show(key)} and value {show(value)} differ in length", "inputs")
    embed = call.args["embed_dim"]
    for name, shape, wanted in (
        ("embed_dim", query, embed),
        ("kdim", key, call.args["kdim"] or embed),
        ("vdim", value, call.args["vdim"] or embed),
    ):
        argument = name if name in call.written else "embed_dim"
        same_size(call, wanted, shape[1], f"{name} is {wanted}, the input {show(shape)} has {shape[1]}", argument)
    return query, key, value


@layer(PYTORCH, "MultiheadAttention", "Attention of several heads with projections; embed_dim is that of all heads.",
       embed_dim=Argument(positive, "Features of all heads together."),
       num_heads=Argument(positive, "Heads; divides embed_dim."),
       dropout=Argument(probability, "Dropout of the attention weights in training.", 0), bias=BIAS,
       add_bias_kv=Argument(flag, "Add a learned key and value position.", False),
       add_zero_attn=Argument(flag, "Add a key and value position of zeros.", False),
       kdim=Argument(optional(positive), "Features of the key; embed_dim by default.", None),
       vdim=Argument(optional(positive), "Features of the value; embed_dim by default.", None),
       batch_first=Argument(flag, "Accepted; shapes here hold no batch.", False), device=DEVICE,
       need_weights=Argument(flag, "Give the attention weights as second output (call argument).", True),
       average_attn_weights=Argument(flag, "Average them over the heads (call argument).", True),
       is_causal=Argument(flag, "Hint that the mask is causal; changes no number (call argument).", False))  # fmt: skip
def multihead_attention(call: Call) -> Built:
    """Packed projections [3e, e] while keys and values have e features, else one weight each."""
    args = call.args
    embed, heads = args["embed_dim"], args["num_heads"]
    if embed % heads:
        call.fail(f"num_heads {heads} does not divide embed_dim {embed}", "num_heads")
    query, key, _ = _three(call)
    keys, values = args["kdim"] or embed, args["vdim"] or embed
    if keys == values == embed:
        weights = [call.weight("in_proj_weight", 3 * embed, embed)]
        terms = {"in_proj_weight": attention.PACKED_KERNEL}
    else:
        sizes = {"q_proj_weight": embed, "k_proj_weight": keys, "v_proj_weight": values}
        weights = [call.weight(role, embed, size) for role, size in sizes.items()]
        terms = dict(zip(sizes, (attention.QUERY_KERNEL, attention.KEY_KERNEL, attention.VALUE_KERNEL), strict=True))
    if args["bias"]:
        weights.append(call.weight("in_proj_bias", 3 * embed))
        terms["in_proj_bias"] = attention.PACKED_BIAS
    if args["add_bias_kv"]:
        weights += [call.weight(role, 1, 1, embed) for role in ("bias_k", "bias_v")]
        terms |= {"bias_k": attention.EXTRA_KEY, "bias_v": attention.EXTRA_VALUE}
    weights.append(call.weight("out_proj.weight", embed, embed))
    terms["out_proj.weight"] = attention.OUT_KERNEL
    if args["bias"]:
        weights.append(call.weight("out_proj.bias", embed))
        terms["out_proj.bias"] = attention.OUT_BIAS
    params = formula(terms, {"e": embed, "k": keys, "v": values}, attention.MEANING)
    extra = args["add_bias_kv"] + args["add_zero_attn"]
    symbols: dict[str, Dim] = {"t": query[0], "s": key[0], "e": embed, "k": keys, "v": values, "x": extra}
    outputs: list[Tensor | None] = [call.output((query[0], embed)), None]
    if args["need_weights"]:
        scores = (query[0], _plus(key[0], extra))
        outputs[1] = call.output(scores if args["average_attn_weights"] else (heads, *scores))
    return Built(tuple(outputs), params, tuple(weights), macs(attention.MACS, symbols, attention.MEANING))


@layer(PYTORCH, "scaled_dot_product_attention", "Attention of given queries, keys and values (function).",
       dropout_p=Argument(probability, "Dropout of the attention weights.", 0),
       is_causal=Argument(flag, "Mask later positions; does not reduce the MACs.", False),
       scale=Argument(optional(number), "Factor of the scores.", None),
       enable_gqa=Argument(flag, "Several query heads share one key and value head.", False))  # fmt: skip
def scaled_dot_product_attention(call: Call) -> Built:
    """Inputs [heads.., positions, features]; a mask may follow. Without enable_gqa the heads broadcast."""
    at_most(call, 4)
    query, key, value = call.shape(0), call.shape(1), call.shape(2)
    if not len(query) == len(key) == len(value) or len(query) < 2:
        shapes = f"{show(query)}, {show(key)} and {show(value)}"
        call.fail(f"query, key and value need [heads, positions, features], got {shapes}", "inputs")
    same_size(call, query[-1], key[-1], f"query {show(query)} and key {show(key)} differ in features", "inputs")
    same_size(call, key[-2], value[-2], f"key {show(key)} and value {show(value)} differ in length", "inputs")
    lead = _heads(call, query[:-2], key[:-2], value[:-2])
    heads, rest = (lead[-1], lead[:-1]) if lead else (1, ())
    symbols: dict[str, Dim] = {
        "P": symbol(rest),
        "H": heads,
        "t": query[-2],
        "s": key[-2],
        "d": query[-1],
        "w": value[-1],
    }
    work = macs(attention.SCALED_DOT_PRODUCT_MACS, symbols, attention.MEANING)
    return Built((call.output((*lead, query[-2], value[-1])),), macs=work)


def _heads(call: Call, query: Shape, key: Shape, value: Shape) -> tuple[Dim, ...]:
    """The axes before positions: equal, or 1, or with enable_gqa a multiple at the last of them."""
    if call.args["enable_gqa"]:
        if not query:  # PyTorch then takes the batch for heads, which are equally many
            return ()
        for shape, what in ((key, "key"), (value, "value")):
            mine, theirs = query[-1], shape[-1]
            if isinstance(mine, int) and isinstance(theirs, int) and (not theirs or mine % theirs):
                call.fail(f"{theirs} {what} heads do not divide {mine} query heads", "inputs")
        same_size(call, key[-1], value[-1], "key and value differ in heads", "inputs")
        query_rest, others = query[:-1], (key[:-1], value[:-1])
        return (*_joined(call, query_rest, *others), query[-1])
    return _joined(call, query, key, value)


def _joined(call: Call, *shapes: Shape) -> tuple[Dim, ...]:
    out: list[Dim] = []
    for sizes in zip(*shapes, strict=True):
        fixed = {size for size in sizes if isinstance(size, int) and size != 1}
        if len(fixed) > 1:
            hint = "write enable_gqa: true" if not call.args["enable_gqa"] else None
            call.fail(f"heads {' and '.join(str(size) for size in sizes)} do not fit together", "inputs", hint)
        free = [size for size in sizes if not isinstance(size, int)]
        out.append(fixed.pop() if fixed else free[0] if free else 1)
    return tuple(out)
