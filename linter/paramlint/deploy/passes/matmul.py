"""Products of two tensors: transposes become flags."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node
from paramlint.deploy.passes import rewrites


def _swaps_last(perm: tuple[int, ...]) -> bool:
    rank = len(perm)
    return rank >= 2 and perm == (*range(rank - 2), rank - 1, rank - 2)


@rewrites("BATCH_MATMUL", behind=("TRANSPOSE",))
def transposed_operand(draft: Draft, node: Node) -> bool:
    """A transpose of the last two axes of an operand; of the second only where nothing else reads it."""
    for place, flag in ((0, "adj_x"), (1, "adj_y")):
        before, value = node.source(place), node.value(place)
        if before is None or value is None or before.kind != "TRANSPOSE" or node.options[flag]:
            continue
        if not _swaps_last(before.options["perm"]) or (place == 1 and not value.once):
            continue
        node.options[flag] = True
        draft.rewire(node, place, before.inputs[0])
        return True
    return False


@rewrites("TRANSPOSE", behind=("BATCH_MATMUL",))
def transpose_of_product(draft: Draft, node: Node) -> bool:
    """The transpose of a product with a flagged second operand is the product the other way round."""
    product, value = node.source(), node.value()
    if product is None or value is None or product.kind != "BATCH_MATMUL" or not _swaps_last(node.options["perm"]):
        return False
    if product.options["adj_x"] or not product.options["adj_y"] or not value.once:
        return False
    product.inputs[0], product.inputs[1] = product.inputs[1], product.inputs[0]
    draft.merge(product, node)
    return True
