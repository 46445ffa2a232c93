"""Layers with one spelling in both vocabularies: numbers of PyTorch Geometric, of published models, and products."""

from __future__ import annotations

from typing import Any

import pytest
from paramlint.engine import load
from paramlint.errors import LoadError
from paramlint.formulas import amount
from paramlint.ir import Unknown
from paramlint.loaders import Request
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabulary import KERAS, PYTORCH, Built, LayerError
from paramlint.measure import Measured, measure

FRAMEWORKS = (KERAS, PYTORCH)


def numbers(built: Built) -> tuple[int, int, Any]:
    """Parameters, buffers and MACs of a layer; the formula must give the parameters too."""
    learned = sum(weight.elements for weight in built.weights if not weight.buffer)
    assert learned == (built.params.value if built.params else 0)
    return learned, sum(weight.elements for weight in built.weights if weight.buffer), amount(built.macs)


def measured(text: str, **request: Any) -> Measured:
    return measure(load("test.arch.yaml", Request(**request), text.encode()))


#: layer, arguments, inputs -> parameters, buffers, MACs, output shape.
EXACT: list[tuple[str, dict[str, Any], list[Any], int, int, int, tuple[Any, ...]]] = [
    ("Parameter", {"shape": [3, 4]}, [], 12, 0, 0, (3, 4)),
    ("Parameter", {"shape": []}, [], 1, 0, 0, ()),
    ("Buffer", {"shape": [3, 4]}, [], 0, 12, 0, (3, 4)),
    ("Custom", {"params": 768, "macs": 5, "output": [7, None]}, [[3]], 768, 0, 5, (7, None)),
    ("Custom", {"params": 0, "macs": 0, "output": []}, [], 0, 0, 0, ()),
    # a linear map and what is beside it; aggregation counts nothing (PyTorch Geometric 2.8)
    ("GCNConv", {"out_channels": 16}, [[2708, 1433]], 1433 * 16 + 16, 0, 2708 * 1433 * 16, (2708, 16)),
    ("GCNConv", {"out_channels": 16, "bias": False}, [[1433], [2]], 1433 * 16, 0, 1433 * 16, (16,)),
    ("SAGEConv", {"out_channels": 5}, [[9, 4], [2, 30]], 2 * 4 * 5 + 5, 0, 9 * 2 * 4 * 5, (9, 5)),
    ("SAGEConv", {"out_channels": 5, "in_channels": [4, 3], "project": True}, [[9, 4], [6, 3], [2, 30]],
     (4 * 4 + 4) + (4 * 5 + 5) + 3 * 5, 0, 9 * 4 * 4 + 6 * 4 * 5 + 6 * 3 * 5, (6, 5)),
    ("SAGEConv", {"out_channels": 5, "aggr": ["mean", "median"], "root_weight": False}, [[9, 4]],
     2 * 4 * 5 + 5, 1, 9 * 8 * 5, (9, 5)),
    ("GATConv", {"out_channels": 8, "heads": 8}, [[9, 1433]], 1433 * 64 + 2 * 64 + 64, 0, 9 * 1433 * 64, (9, 64)),
    ("GATConv", {"out_channels": 8, "heads": 3, "concat": False, "residual": True, "edge_dim": 2},
     [[9, 4], [2, 30], [30, 2]], 4 * 24 + 3 * 24 + 2 * 24 + 4 * 8 + 8, 0, 9 * 4 * 24 + 30 * 2 * 24 + 9 * 4 * 8, (9, 8)),
    ("SwiGLU", {"hidden_features": 11}, [[6, 4]], 3 * 4 * 11, 0, 6 * 3 * 4 * 11, (6, 4)),
    ("SwiGLU", {"hidden_features": 11, "out_features": 5, "bias": True}, [[4]],
     2 * (4 * 11 + 11) + 11 * 5 + 5, 0, 2 * 4 * 11 + 11 * 5, (5,)),
    ("RMSNorm", {"normalized_shape": [4, 5]}, [[3, 4, 5]], 20, 0, 0, (3, 4, 5)),
    ("RMSNorm", {"normalized_shape": 5, "elementwise_affine": False}, [[3, 5]], 0, 0, 0, (3, 5)),
    ("GroupedQueryAttention", {"embed_dim": 32, "num_heads": 4, "num_kv_heads": 2}, [[6, 32]],
     2 * 32 * 32 + 2 * 32 * 16, 0, 6 * (2 * 32 * 32 + 2 * 32 * 16) + 2 * 6 * 6 * 32, (6, 32)),
    ("GroupedQueryAttention", {"embed_dim": 30, "num_heads": 4, "head_dim": 16, "qkv_bias": True}, [[6, 30]],
     4 * 30 * 64 + 3 * 64, 0, 6 * 4 * 30 * 64 + 2 * 6 * 6 * 64, (6, 30)),
    # one block of the published 130M model: in, convolution, selection, step, decay, skip, out
    ("Mamba", {"d_model": 768}, [[10, 768]],
     768 * 3072 + (1536 * 4 + 1536) + 1536 * 80 + (48 * 1536 + 1536) + 1536 * 16 + 1536 + 1536 * 768, 0,
     10 * (768 * 3072 + 1536 * 4 + 1536 * 80 + 48 * 1536 + 1536 * 16 + 1536 * 768), (10, 768)),
    ("Mamba", {"d_model": 10, "d_state": 3, "d_conv": 2, "expand": 1.5, "dt_rank": 4, "conv_bias": False, "bias": True},
     [[7, 10]], 10 * 30 + 30 + 15 * 2 + 15 * 10 + (4 * 15 + 15) + 15 * 3 + 15 + 15 * 10 + 10, 0,
     7 * (10 * 30 + 15 * 2 + 15 * 10 + 4 * 15 + 15 * 3 + 15 * 10), (7, 10)),
]  # fmt: skip


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("kind", "args", "inputs", "params", "buffers", "macs", "output"), EXACT)
def test_numbers(
    framework: str, kind: str, args: dict[str, Any], inputs: list[Any], params: int, buffers: int, macs: int,
    output: tuple[Any, ...],
) -> None:  # fmt: skip
    built = build_layer(framework, kind, args, inputs)
    if framework == KERAS:  # which has no buffers: all state counts
        params, buffers = params + buffers, 0
    assert numbers(built) == (params, buffers, macs)
    assert [tensor and tensor.shape for tensor in built.outputs] == [output]


REFUSED: list[tuple[str, dict[str, Any], list[Any], str | None, str]] = [
    ("Parameter", {"shape": [3, "seq"]}, [], None, "seq"),
    ("Parameter", {"shape": [3]}, [[4]], "inputs", "at most 0"),
    ("GCNConv", {"in_channels": 3, "out_channels": 5}, [[9, 4]], "in_channels", "has 4"),
    ("GCNConv", {"out_channels": 5}, [[9, 4], [3, 30]], "inputs", "edges"),
    ("GCNConv", {"out_channels": 5, "add_self_loops": True, "normalize": False}, [[9, 4]], "add_self_loops", "needs"),
    ("SAGEConv", {"out_channels": 5, "aggr": ["lstm", "mean"]}, [[9, 4]], "aggr", "LSTM"),
    ("SAGEConv", {"out_channels": 5, "in_channels": [4, 2]}, [[9, 4], [9, 3]], "in_channels", "has 3"),
    ("GATConv", {"out_channels": 5, "edge_dim": 2}, [[9, 4], [2, 30], [30, 3]], "edge_dim", "have 3"),
    ("GINConv", {"nn": {"type": "LayerNormalization"}, "eps": "x"}, [[9, 4]], None, ""),
    ("SwiGLU", {"hidden_features": 8, "in_features": 5}, [[6, 4]], "in_features", "has 4"),
    ("RMSNorm", {"normalized_shape": 4}, [[3, 5]], "normalized_shape", "end of the input"),
    ("GroupedQueryAttention", {"embed_dim": 32, "num_heads": 5}, [[6, 32]], "num_heads", "divide"),
    ("GroupedQueryAttention", {"embed_dim": 32, "num_heads": 4, "num_kv_heads": 3}, [[6, 32]], "num_kv_heads", "divid"),
    ("GroupedQueryAttention", {"embed_dim": 12, "num_heads": 4}, [[6, 12]], "num_heads", "odd"),
    ("Mamba", {"d_model": 8}, [[6, 9]], "d_model", "has 9"),
    ("Mamba", {"d_model": 8, "expand": 0.1}, [[6, 8]], "expand", "nothing"),
]  # fmt: skip


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(
    framework: str, kind: str, args: dict[str, Any], inputs: list[Any], argument: str | None, words: str
) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(framework, kind, args, inputs)
    assert argument is None or caught.value.argument == argument
    assert words in caught.value.message


def test_a_graph_network_of_ones_own_sees_nodes_as_samples() -> None:
    nn = [{"type": "Linear", "out_features": 5}, {"type": "BatchNorm1d"}, {"type": "ReLU"}]
    held = build_layer(PYTORCH, "GINConv", {"nn": nn}, [[9, 4], [2, 30]])
    assert numbers(held) == (4 * 5 + 5 + 2 * 5, 1 + 2 * 5 + 1, 9 * 4 * 5)
    learned = build_layer(PYTORCH, "GINConv", {"nn": nn[0], "train_eps": True}, [["nodes", 4]])
    assert numbers(learned)[:2] == (4 * 5 + 5 + 1, 0)
    assert learned.outputs[0] is not None
    assert learned.outputs[0].shape == ("nodes", 5)
    assert isinstance(learned.macs, Unknown)
    dense = build_layer(KERAS, "GINConv", {"nn": {"type": "Custom", "params": 6, "macs": 2, "output": [3]}}, [[9, 4]])
    assert numbers(dense) == (6 + 1, 0, 18)


def test_an_lstm_over_neighbours_costs_what_nobody_knows() -> None:
    built = build_layer(PYTORCH, "SAGEConv", {"out_channels": 5, "aggr": "lstm"}, [[9, 4]])
    assert numbers(built)[0] == 2 * (4 * 4 * 4 + 4 * 4) + 2 * 4 * 5 + 5
    assert isinstance(built.macs, Unknown)


def test_edges_with_features_need_their_number() -> None:
    built = build_layer(PYTORCH, "GATConv", {"out_channels": 5, "edge_dim": 2}, [[9, 4]])
    assert isinstance(built.macs, Unknown)


def test_swiglu_lowers_to_three_products_and_a_gate() -> None:
    made = lower_layer(KERAS, "SwiGLU", {"hidden_features": 8}, [[6, 4]])
    assert [step.kind for step in made.steps] == ["MatMul", "Sigmoid", "Mul", "MatMul", "Mul", "MatMul"]
    assert [step.weights[1].shape for step in made.steps if step.weights] == [(4, 8), (4, 8), (8, 4)]


def test_a_parameter_is_a_source_that_may_be_frozen_and_shared() -> None:
    spec = measured(
        """
framework: pytorch
vars: {width: 8}
input: [3, 8]
layers:
  - {type: Parameter, shape: [3, $width], name: position, inputs: []}
  - {type: add, inputs: [input, position], name: sum}
  - {type: Parameter, shape: [8, 8], trainable: false, name: table}
  - {type: Linear, out_features: 8, bias: false, inputs: [sum], shared_with: table}
""".replace("[width, 8]", "[8, 8]")
    )
    assert spec.totals["params"] == (3 * 8 + 8 * 8, ())
    assert spec.totals["trainable_params"] == (3 * 8, ())


def test_a_named_size_of_a_parameter_is_bound_by_dim() -> None:
    text = """
framework: pytorch
input: [seq, 8]
layers:
  - {type: Parameter, shape: [seq, 8], name: position}
  - {type: add, inputs: [input, position]}
"""
    assert measured(text, dims={"seq": 5}).totals["params"] == (40, ())
    with pytest.raises(LoadError) as caught:
        measured(text)
    assert "seq" in caught.value.errors[0].message


CUSTOM = """
framework: keras
input: [8]
layers:
  - {type: Custom, params: 768, macs: 0, output: [4]}
"""


def test_figures_of_a_custom_layer_are_taken_and_what_is_left_out_is_unknown() -> None:
    assert measured(CUSTOM).totals["params"] == (768, ())
    assert measured(CUSTOM).totals["macs"] == (0, ())
    without = measured(CUSTOM.replace("params: 768, macs: 0, ", ""))
    assert without.totals["params"] == (0, ("layer custom: the Custom layer does not state its params",))
    assert without.totals["macs"] == (0, ("layer custom: the Custom layer does not state its macs",))


def test_behind_an_output_that_is_not_stated_nothing_is_known() -> None:
    text = (
        CUSTOM.replace(", output: [4]", "")
        + """\
  - {type: Custom, params: 5, macs: 7, output: [3], name: last}
  - {type: SwiGLU, hidden_features: 2}
"""
    )
    known = measured(text)
    assert known.totals["params"] == (768 + 5 + 3 * 3 * 2, ())
    lost = measured(text.replace("  - {type: Custom, params: 5, macs: 7, output: [3], name: last}\n", ""))
    reason = "layer swi_glu: the shape of its input custom is not stated"
    assert lost.totals["params"] == (768, (reason,))
    assert lost.totals["macs"] == (0, (reason,))
    assert lost.model.tensors["swi_glu"].shape is None


def test_experts_count_all_their_parameters_and_the_work_of_the_active() -> None:
    spec = measured("""
framework: pytorch
input: [6, 4]
layers:
  - {type: SwiGLU, hidden_features: 10, parallel: 8, active: 2}
""")
    assert spec.totals["params"] == (8 * 120, ())
    assert spec.totals["active_params"] == (2 * 120, ())
    assert spec.totals["macs"] == (6 * 2 * 120, ())
