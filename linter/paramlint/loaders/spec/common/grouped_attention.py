"""Self-attention whose query heads share key and value heads, with rotary positions, as in Llama and Mistral."""

from __future__ import annotations

from paramlint.formulas import attention, formula, macs
from paramlint.loaders.spec.arguments import flag, optional, positive, positive_number
from paramlint.loaders.spec.layer_checks import at_most, ranked, width
from paramlint.loaders.spec.vocabulary import BOTH, Argument, Built, Call, layer


@layer(BOTH, "GroupedQueryAttention", "Self-attention with grouped queries and rotary positions.",
       embed_dim=Argument(positive, "Features of a position."),
       num_heads=Argument(positive, "Query heads."),
       num_kv_heads=Argument(optional(positive), "Key and value heads, which divide num_heads; as many by default.",
                             None),
       head_dim=Argument(optional(positive), "Features of a head; embed_dim / num_heads by default.", None),
       bias=Argument(flag, "Add a learned bias to all four projections.", False),
       qkv_bias=Argument(flag, "Add a learned bias to the projections of query, key and value.", False),
       rotary=Argument(flag, "Turn queries and keys by their position; has no weights.", True),
       rope_theta=Argument(positive_number, "Base of the rotary frequencies; changes no number.", 10_000),
       )  # fmt: skip
def grouped_query_attention(call: Call) -> Built:
    """Scores are counted in full: a causal mask, which may follow the input, does not reduce them."""
    at_most(call, 2)
    args, shape = call.args, ranked(call, [2], what="a sequence [steps, features]")
    embed, heads, shared = width(call, "embed_dim", shape[1], shape), args["num_heads"], args["num_kv_heads"]
    shared = heads if shared is None else shared
    if heads % shared:
        call.fail(f"num_kv_heads {shared} does not divide num_heads {heads}", "num_kv_heads")
    size = args["head_dim"]
    if size is None:
        if embed % heads:
            call.fail(f"num_heads {heads} does not divide embed_dim {embed}", "num_heads", "write head_dim: ...")
        size = embed // heads
    if args["rotary"] and size % 2:
        argument = "head_dim" if "head_dim" in call.written else "num_heads"
        call.fail(f"rotary positions turn pairs, a head has the odd size {size}", argument)
    inward = args["bias"] or args["qkv_bias"]
    parts = (
        ("q_proj", heads * size, embed, attention.GROUPED_QUERY_KERNEL, attention.GROUPED_QUERY_BIAS, inward),
        ("k_proj", shared * size, embed, attention.GROUPED_KEY_KERNEL, attention.GROUPED_KEY_BIAS, inward),
        ("v_proj", shared * size, embed, attention.GROUPED_KEY_KERNEL, attention.GROUPED_KEY_BIAS, inward),
        ("o_proj", embed, heads * size, attention.GROUPED_OUT_KERNEL, attention.GROUPED_OUT_BIAS, args["bias"]),
    )
    weights, terms = [], {}
    for name, outputs, inputs, kernel, bias, biased in parts:
        weights.append(call.weight(f"{name}.weight", outputs, inputs))
        terms[f"{name}.weight"] = kernel
        if biased:
            weights.append(call.weight(f"{name}.bias", outputs))
            terms[f"{name}.bias"] = bias
    symbols = {"e": embed, "H": heads, "N": shared, "d": size}
    work = macs(attention.GROUPED_MACS, {"t": shape[0], **symbols}, attention.GROUPED_MEANING)
    params = formula(terms, symbols, attention.GROUPED_MEANING)
    return Built((call.output((shape[0], embed)),), params, tuple(weights), work)
