"""Transposes that merge, turn into reshapes, or change places with one."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node, numbers
from paramlint.deploy.lowering import sizes
from paramlint.deploy.passes import rewrites


@rewrites("TRANSPOSE")
def trivial_transpose(draft: Draft, node: Node) -> bool:
    """A transpose that only moves axes of length 1 is a reshape."""
    value = node.value()
    if value is None or value.shape is None:
        return False
    moved = [axis for axis in node.options["perm"] if value.shape[axis] != 1]
    if moved != sorted(moved):
        return False
    node.kind, node.inputs, node.options = "RESHAPE", [value, sizes(node.made.shape or ())], {}
    return True


@rewrites("TRANSPOSE", behind=("TRANSPOSE",))
def transpose_of_transpose(draft: Draft, node: Node) -> bool:
    """Two in a row are one."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != "TRANSPOSE" or not value.once:
        return False
    perm = tuple(before.options["perm"][axis] for axis in node.options["perm"])
    node.options["perm"] = perm
    node.inputs[1] = numbers(perm)
    draft.rewire(node, 0, before.inputs[0])
    return True


@rewrites("TRANSPOSE", behind=("RESHAPE",))
def squeeze_behind_transpose(draft: Draft, node: Node) -> bool:
    """An axis of length 1 in front is dropped after the transpose, where a dense layer may do it."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != "RESHAPE" or not value.once:
        return False
    entered = before.value()
    if entered is None or entered.shape != (1, *(value.shape or ())):
        return False
    perm = (0, *[axis + 1 for axis in node.options["perm"]])
    before.kind, before.options, before.inputs[1] = "TRANSPOSE", {"perm": perm}, numbers(perm)
    value.shape = tuple([entered.shape[axis] for axis in perm])
    node.kind, node.options, node.inputs[1] = "RESHAPE", {}, sizes(node.made.shape or ())
    return True
