"""ONNX's numbers for element types (TensorProto.DataType) as DType."""

from __future__ import annotations

from paramlint.ir import DType

#: TensorProto.DataType by number; ONNX IR version 14.
ELEMENT_TYPES: tuple[DType, ...] = (
    DType.UNDEFINED, DType.FLOAT32, DType.UINT8, DType.INT8, DType.UINT16, DType.INT16, DType.INT32, DType.INT64,
    DType.STRING, DType.BOOL, DType.FLOAT16, DType.FLOAT64, DType.UINT32, DType.UINT64, DType.COMPLEX64,
    DType.COMPLEX128, DType.BFLOAT16, DType.FLOAT8E4M3FN, DType.FLOAT8E4M3FNUZ, DType.FLOAT8E5M2,
    DType.FLOAT8E5M2FNUZ, DType.UINT4, DType.INT4, DType.FLOAT4E2M1, DType.FLOAT8E8M0, DType.UINT2, DType.INT2,
    DType.FLOAT6E2M3, DType.FLOAT6E3M2,
)  # fmt: skip


def element_type(number: object) -> DType:
    """The type of a TensorProto.DataType number; UNDEFINED for one that ONNX does not define."""
    if isinstance(number, int) and 0 <= number < len(ELEMENT_TYPES):
        return ELEMENT_TYPES[number]
    return DType.UNDEFINED
