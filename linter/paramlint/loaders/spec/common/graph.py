"""Graph convolutions with the arguments of PyTorch Geometric: ``GCNConv``, ``SAGEConv``, ``GATConv``, ``GINConv``.

Inputs are the nodes [nodes, features], or [features] where a node is the sample, then the edges [2, edges] and what is
known of them; without edges the layer stands in a chain, since no number depends on them. With a pair of
``in_channels`` the first two inputs are source and target nodes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from paramlint.formulas import combine, formula, graph_convolution, macs
from paramlint.ir import Dim, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders.spec.arguments import (
    a_layer,
    choice,
    flag,
    layers,
    list_of,
    non_negative_number,
    number,
    one_of,
    optional,
    positive,
    probability,
)
from paramlint.loaders.spec.layer_checks import all_macs, at_most, flowing, same_size, show, symbol, width
from paramlint.loaders.spec.vocabulary import BOTH, KERAS, Argument, Built, Call, Nested, layer

_MEANING = graph_convolution.MEANING
_IN = Argument(optional(positive), "Features of a node; inferred when left out.", None)
_PAIR = Argument(optional(one_of(positive, list_of(positive, 2, 2))),
                 "Features of a node, or of source and target nodes; inferred when left out.", None)  # fmt: skip
_OUT = Argument(positive, "Features of the output.")
_BIAS = Argument(flag, "Add a learned bias.", True)
_LOOPS = "Count every node among its neighbours; changes no number."


class _Graph(NamedTuple):
    """What flows in: source and target nodes, the number of edges, and what is known of each edge."""

    source: Shape
    target: Shape
    edges: Dim
    known: Shape | None


def _nodes(call: Call, index: int) -> Shape:
    shape = call.shape(index)
    if not shape:
        call.fail(f"{call.type} needs nodes [nodes, features], got []")
    return shape


def _graph(call: Call) -> _Graph:
    first = 2 if isinstance(call.args.get("in_channels"), tuple) else 1
    at_most(call, first + 2)
    source = _nodes(call, 0)
    given = [len(call.inputs) > at and call.inputs[at] is not None for at in (first, first + 1)]
    edges: Dim = None
    if given[0]:
        shape = call.shape(first)
        if len(shape) == 2 and isinstance(shape[0], int) and shape[0] != 2 and shape[0] != shape[1]:
            call.fail(f"edges are [2, edges], or an adjacency matrix, not {show(shape)}", "inputs")
        edges = shape[1] if len(shape) == 2 and shape[0] == 2 else None
    return _Graph(source, _nodes(call, first - 1), edges, call.shape(first + 1) if given[1] else None)


def _widths(call: Call, graph: _Graph) -> tuple[int, int]:
    """Features of source and target nodes."""
    stated = call.args["in_channels"]
    if not isinstance(stated, tuple):
        features = width(call, "in_channels", graph.source[-1], graph.source)
        return features, features
    for wanted, shape in zip(stated, (graph.source, graph.target), strict=True):
        same_size(call, wanted, shape[-1], f"in_channels is {wanted}, the input {show(shape)} has {shape[-1]}",
                  "in_channels")  # fmt: skip
    return stated


class _Parts:
    """Collects weights, terms and work of one layer under common symbols."""

    def __init__(self, call: Call, **symbols: int) -> None:
        self.call, self.symbols = call, symbols
        self.weights: list[Weight] = []
        self.terms: dict[str, str] = {}
        self.work: dict[str, Formula | Unknown] = {}

    def add(self, role: str, text: str, *sizes: int) -> None:
        self.weights.append(self.call.weight(role, *sizes))
        self.terms[role] = text

    def hold(self, role: str) -> None:
        """One number that is not learned; under Keras, which has no buffers, a parameter all the same."""
        weight = self.call.weight(role, 1, trainable=False, buffer=self.call.framework != KERAS)
        self.weights.append(weight)
        if not weight.buffer:
            self.terms[role] = graph_convolution.SINGLE

    def product(self, name: str, text: str, **sizes: Dim) -> None:
        self.work[name] = macs(text, {**sizes, **self.symbols}, _MEANING)

    def built(self, shape: tuple[Dim, ...]) -> Built:
        work = all_macs({name: Built((), macs=one) for name, one in self.work.items()})
        params = formula(self.terms, self.symbols, _MEANING) if self.terms else None
        return Built((self.call.output(shape),), params, tuple(self.weights), work)


@layer(BOTH, "GCNConv", "Graph convolution: neighbours averaged, then a linear map.", in_channels=_IN,
       out_channels=_OUT, improved=Argument(flag, "Count the node itself twice; changes no number.", False),
       cached=Argument(flag, "Keep the normalised edges; changes no number.", False),
       add_self_loops=Argument(optional(flag), _LOOPS, None),
       normalize=Argument(flag, "Divide by the degrees; changes no number.", True), bias=_BIAS)  # fmt: skip
def gcn_conv(call: Call) -> Built:
    """One matrix and one bias."""
    graph = _graph(call)
    if call.args["add_self_loops"] and not call.args["normalize"]:
        call.fail("add_self_loops needs normalize", "add_self_loops")
    features, out = width(call, "in_channels", graph.source[-1], graph.source), call.args["out_channels"]
    parts = _Parts(call, i=features, o=out)
    if call.args["bias"]:
        parts.add("bias", graph_convolution.BIAS, out)
    parts.add("lin.weight", graph_convolution.KERNEL, out, features)
    parts.product("lin", graph_convolution.MACS, n=symbol(graph.source[:-1]))
    return parts.built((*graph.source[:-1], out))


_SUMS = choice("mean", "sum", "add", "max", "min", "mul", "median", "var", "std", "lstm")


@layer(BOTH, "SAGEConv", "Graph convolution of a node and what its neighbours hold together.", in_channels=_PAIR,
       out_channels=_OUT, aggr=Argument(one_of(_SUMS, list_of(_SUMS, 1)), "How neighbours are joined.", "mean"),
       normalize=Argument(flag, "Divide the output by its norm; changes no number.", False),
       root_weight=Argument(flag, "Add a linear map of the node itself.", True),
       project=Argument(flag, "Map neighbours before they are joined.", False), bias=_BIAS)  # fmt: skip
def sage_conv(call: Call) -> Built:
    """Several aggregations stand side by side; only an LSTM has weights."""
    graph, args = _graph(call), call.args
    features, mine = _widths(call, graph)
    sums = args["aggr"] if isinstance(args["aggr"], tuple) else (args["aggr"],)
    if "lstm" in sums and len(sums) > 1:
        call.fail("an LSTM is not joined with other aggregations", "aggr")
    out = args["out_channels"]
    parts = _Parts(call, i=features, j=mine, o=out, a=len(sums))
    if sums == ("lstm",):
        for role in ("ih", "hh"):
            parts.add(f"aggr_module.lstm.weight_{role}_l0", graph_convolution.LSTM_KERNEL, 4 * features, features)
            parts.add(f"aggr_module.lstm.bias_{role}_l0", graph_convolution.LSTM_BIAS, 4 * features)
        parts.work["aggr"] = Unknown("an LSTM over neighbours runs as often as the busiest node has any")
    for index, one in enumerate(sums):
        if one == "median":  # held as a quantile
            parts.hold(f"aggr_module.{index}.q")
    if args["project"]:
        parts.add("lin.weight", graph_convolution.PROJECTION, features, features)
        parts.add("lin.bias", graph_convolution.PROJECTION_BIAS, features)
        parts.product("lin", graph_convolution.PROJECTION_MACS, n=symbol(graph.source[:-1]))
    parts.add("lin_l.weight", graph_convolution.NEIGHBOUR_KERNEL, out, len(sums) * features)
    if args["bias"]:
        parts.add("lin_l.bias", graph_convolution.BIAS, out)
    parts.product("lin_l", graph_convolution.NEIGHBOUR_MACS, m=symbol(graph.target[:-1]))
    if args["root_weight"]:
        parts.add("lin_r.weight", graph_convolution.ROOT_KERNEL, out, mine)
        parts.product("lin_r", graph_convolution.ROOT_MACS, m=symbol(graph.target[:-1]))
    return parts.built((*graph.target[:-1], out))


@layer(BOTH, "GATConv", "Graph convolution whose neighbours are weighed by attention.", in_channels=_PAIR,
       out_channels=Argument(positive, "Features of the output for each head."),
       heads=Argument(positive, "Heads.", 1), concat=Argument(flag, "Put heads side by side, else average.", True),
       negative_slope=Argument(number, "Slope of the scores below 0.", Fraction(1, 5)),
       dropout=Argument(probability, "Dropout of the scores in training.", 0),
       add_self_loops=Argument(flag, _LOOPS, True),
       edge_dim=Argument(optional(positive), "Features of an edge, where edges have any.", None),
       fill_value=Argument(one_of(non_negative_number, choice("mean", "add", "sum", "max", "min", "mul")),
                           "What a node's own edge holds; changes no number.", "mean"),
       bias=_BIAS, residual=Argument(flag, "Add a linear map of the node itself.", False))  # fmt: skip
def gat_conv(call: Call) -> Built:
    """One matrix for nodes, two vectors per head for their scores."""
    graph, args = _graph(call), call.args
    features, mine = _widths(call, graph)
    out, heads, edge = args["out_channels"], args["heads"], args["edge_dim"]
    if graph.known and edge is not None:
        actual = graph.known[-1]
        same_size(call, edge, actual, f"edge_dim is {edge}, the edges {show(graph.known)} have {actual}", "edge_dim")
    total = heads * out if args["concat"] else out
    parts = _Parts(call, i=features, j=mine, o=out, H=heads, q=total, v=edge or 0)
    if isinstance(args["in_channels"], tuple):
        parts.add("lin_src.weight", graph_convolution.HEADS_KERNEL, heads * out, features)
        parts.add("lin_dst.weight", graph_convolution.TARGET_KERNEL, heads * out, mine)
        parts.product("lin_dst", graph_convolution.TARGET_MACS, m=symbol(graph.target[:-1]))
    else:
        parts.add("lin.weight", graph_convolution.HEADS_KERNEL, heads * out, features)
    parts.product("lin", graph_convolution.HEADS_MACS, n=symbol(graph.source[:-1]))
    for role in ("att_src", "att_dst"):
        parts.add(role, graph_convolution.SCORE, 1, heads, out)
    if edge is not None:
        parts.add("att_edge", graph_convolution.SCORE, 1, heads, out)
        parts.add("lin_edge.weight", graph_convolution.EDGE_KERNEL, heads * out, edge)
        parts.product("lin_edge", graph_convolution.EDGE_MACS, E=graph.edges)
    if args["residual"]:
        parts.add("res.weight", graph_convolution.RESIDUAL, total, mine)
        parts.product("res", graph_convolution.RESIDUAL_MACS, m=symbol(graph.target[:-1]))
    if args["bias"]:
        parts.add("bias", graph_convolution.HEADS_BIAS, total)
    return parts.built((*graph.target[:-1], total))


@layer(BOTH, "GINConv", "Graph convolution: the node and the sum of its neighbours through a network of your own.",
       nn=Argument(one_of(a_layer, layers), "The network: a layer, or a list of layers."),
       eps=Argument(number, "Weight of the node itself, less 1.", 0),
       train_eps=Argument(flag, "Learn that weight.", False))  # fmt: skip
def gin_conv(call: Call) -> Built:
    """The network's own numbers, and one for the node's weight, learned or held as a buffer.

    The network sees nodes as samples, so its norms mean the features.
    """
    graph, nodes = _graph(call), flowing(call)
    single = isinstance(call.args["nn"], Nested)
    network: tuple[Nested, ...] = (call.args["nn"],) if single else call.args["nn"]
    parts: dict[str, Built] = {}
    node: Tensor | None = nodes._replace(shape=graph.source[-1:])
    for index, one in enumerate(network):
        name = "nn" if single else f"nn.{index}"
        parts[name] = call.nested(one, [node], name)
        node = parts[name].outputs[0]
    learned = call.args["train_eps"]
    weight = call.weight("eps", 1, trainable=learned, buffer=not learned and call.framework != KERAS)
    params = {name: part.params for name, part in parts.items() if part.params is not None}
    if not weight.buffer:
        params[""] = formula({"eps": graph_convolution.SINGLE}, {})
    weights = (*(one for part in parts.values() for one in part.weights), weight)
    unknown = tuple(reason for part in parts.values() for reason in part.unknown)
    out = (*graph.source[:-1], *(node.shape or ())) if node is not None and node.shape is not None else None
    work = _for_each(symbol(graph.source[:-1]), all_macs(parts))
    return Built((call.output(out),), combine(params) if params else None, weights, work, unknown=unknown)


def _for_each(nodes: Dim, one: Formula | Unknown | None) -> Formula | Unknown | None:
    """The work of a network at every node."""
    if one is None or isinstance(one, Unknown):
        return one
    count = macs("nodes", {"nodes": nodes}, {"nodes": "nodes that the network sees"})
    if isinstance(count, Unknown):
        return count
    terms = [
        term._replace(
            expression=f"nodes * ({term.expression})",
            value=count.value * term.value,
            symbols={"nodes": count.value, **term.symbols},
        )
        for term in one.terms
    ]
    return Formula(tuple(terms), {**count.definitions, **one.definitions})
