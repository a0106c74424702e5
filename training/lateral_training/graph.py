"""The ONNX graph, written by hand from a state dict: quantised matrices and embeddings, block-local attention, unit rows.

input_ids, attention_mask (int64 [batch, seq]) → embeddings (f32 [batch, seq, 128]).

Attention. The sequence is cut into blocks of w = min(WINDOW, seq) tokens (the last one filled up); the queries of a block
meet the keys of the block before, their own and the block after, 3w in all, so memory grows with the length only:

    queries   [batch * blocks, HEADS, w, HEAD]
    keys      [batch * blocks, HEADS, HEAD, 3w]
    bias      [batch * blocks, 1, w, 3w]    0 where a token may look (a token, at most WINDOW away), else MASKED
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .model import DIM, EPSILON, HEAD, HEADS, LAYERS, MATRIX_BITS, POSITIONS, PROJECTION_BITS, TABLE_BITS, WIDTH, WINDOW
from .quantizers import BLOCK, quantize_blocks, restore_blocks

CONTRIB = "com.microsoft"
MASKED = -10000.0
TABLE, PROJECTION = "embeddings.word_embeddings.weight", "linear.weight"
State = Mapping[str, np.ndarray]


@dataclass
class Builder:
    quantized: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: np.ndarray) -> str:
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("ints_" + "_".join(map(str, values)).replace("-", "m"), np.array(values, dtype=np.int64))

    def number(self, value: int) -> str:
        return self.constant(f"number_{value}".replace("-", "m"), np.array(value, dtype=np.int64))

    def floats(self, value: float) -> str:
        return self.constant(f"float_{value}", np.array(value, dtype=np.float32))

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def split(self, x: str, sizes: list[int], names: list[str]) -> list[str]:
        self.nodes.append(helper.make_node("Split", [x, self.ints(*sizes)], names, name=f"{x}.split", axis=-1))
        return names

    def matmul(self, x: str, weight: np.ndarray, name: str, bits: int = MATRIX_BITS) -> str:
        """x · weightᵀ for a [out, in] weight."""
        if not self.quantized:
            return self.node("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.matmul")
        out, width = weight.shape
        packed, scales = quantize_blocks(weight, bits)
        inputs = [x, self.constant(f"{name}.weight_q{bits}", packed), self.constant(f"{name}.scales", scales.reshape(-1))]
        return self.node("MatMulNBits", inputs, f"{name}.matmul", CONTRIB, K=width, N=out, bits=bits, block_size=BLOCK)

    def table(self, table: np.ndarray, name: str, indices: str) -> str:
        """Rows of an embedding table."""
        if not self.quantized:
            return self.node("Gather", [self.constant(name, table), indices], f"{name}.rows")
        packed, scales = quantize_blocks(table, TABLE_BITS)
        inputs = [self.constant(f"{name}_q4", packed.reshape(len(table), -1)), indices, self.constant(f"{name}_scales", scales)]
        return self.node(
            "GatherBlockQuantized", inputs, f"{name}.rows", CONTRIB, bits=TABLE_BITS, block_size=BLOCK, gather_axis=0, quantize_axis=1
        )

    def residual_norm(self, x: str, residual: str, state: State, dense: str, norm: str) -> str:
        """LayerNorm(x + bias of `dense` + residual)"""
        names = [f"{norm}.weight", f"{norm}.bias", f"{dense}.bias"]
        inputs = [x, residual, *(self.constant(name, state[name]) for name in names)]
        return self.node("SkipLayerNormalization", inputs, f"{norm}.out", CONTRIB, epsilon=EPSILON)


def build(state: State, quantized: bool = True) -> onnx.ModelProto:
    make = Builder(quantized)
    _shared(make)
    x = _embeddings(make, state)
    for layer in range(LAYERS):
        x = _layer(make, state, f"encoder.layer.{layer}", x)
    make.matmul(x, state[PROJECTION], "linear", PROJECTION_BITS)
    make.node("ReduceL2", ["linear.matmul", make.ints(-1)], "norm", keepdims=1)
    make.node("Max", ["norm", make.floats(1e-12)], "norm_positive")
    make.node("Div", ["linear.matmul", "norm_positive"], "embeddings")

    def shaped(name: str, kind: int, shape: list[str | int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        make.nodes,
        "lateral-mini",
        [shaped("input_ids", TensorProto.INT64, ["batch", "seq"]), shaped("attention_mask", TensorProto.INT64, ["batch", "seq"])],
        [shaped("embeddings", TensorProto.FLOAT, ["batch", "seq", DIM])],
        list(make.weights.values()),
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="lateral")


def rounded(state: State) -> dict[str, np.ndarray]:
    """The state dict whose fp32 model is the quantised graph: every matrix but the positions replaced by what its bytes stand for."""
    bits = {TABLE: TABLE_BITS, PROJECTION: PROJECTION_BITS}
    return {
        name: restore_blocks(value, bits.get(name, MATRIX_BITS)) if value.ndim == 2 and name != "positions" else value
        for name, value in state.items()
    }


def _shared(make: Builder) -> None:
    """Lengths, places and the bias, which all layers use."""
    make.node("Shape", ["input_ids"], "shape")
    make.node("Gather", ["shape", make.number(1)], "length")  # numbers without dimensions
    make.node("Min", ["length", make.number(WINDOW)], "w")
    make.node("Add", ["length", "w"], "length_w")
    make.node("Sub", ["length_w", make.number(1)], "length_up")
    make.node("Div", ["length_up", "w"], "blocks")
    make.node("Mul", ["blocks", "w"], "filled")
    make.node("Sub", ["filled", "length"], "missing")
    make.node("Add", ["missing", "w"], "missing_w")
    for name in ("length", "w", "filled", "missing", "missing_w"):
        make.node("Unsqueeze", [name, make.ints(0)], f"{name}_1")
    make.node("Mul", ["w_1", make.ints(2)], "w2_1")
    make.node("Mul", ["w_1", make.ints(3)], "w3_1")
    for place, name in enumerate(("w_1", "w2_1")):
        make.node("Add", [name, "filled_1"], f"end{place + 1}")
    make.node("Concat", [make.ints(0, 0, 0, 0), "missing_1", make.ints(0)], "pads_queries", axis=0)
    make.node("Concat", [make.ints(0), "w_1", make.ints(0, 0), "missing_w_1", make.ints(0)], "pads_keys", axis=0)
    make.node("Concat", [make.ints(-1), "w_1", make.ints(HEADS, HEAD)], "shape_queries", axis=0)
    for width in (1, 2 * WIDTH):
        make.node("Concat", [make.ints(-1), "w_1", make.ints(width)], f"shape_block{width}", axis=0)
    make.node("Concat", [make.ints(-1), "w3_1", make.ints(HEADS, HEAD)], "shape_keys", axis=0)
    make.node("Gather", ["shape", make.ints(0)], "batch_1")
    make.node("Concat", ["batch_1", "filled_1", make.ints(WIDTH)], "shape_joined", axis=0)
    make.node("Range", [make.number(0), "length", make.number(1)], "places")
    make.node("Div", ["places", make.number(POSITIONS)], "periods")
    make.node("Mul", ["periods", make.number(POSITIONS)], "period_starts")
    make.node("Sub", ["places", "period_starts"], "places_in_period")
    _bias(make)


def _bias(make: Builder) -> None:
    make.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
    make.node("Unsqueeze", ["mask_float", make.ints(2)], "mask_column")  # [batch, seq, 1]
    mask = _neighbours(make, "mask_column", "mask", 1)  # [batch * blocks, 3w, 1]
    make.node("Transpose", [mask], "mask_row", perm=[0, 2, 1])
    make.node("Unsqueeze", ["mask_row", make.ints(1)], "mask_keys")  # [batch * blocks, 1, 1, 3w]
    make.node("Mul", ["w", make.number(3)], "w3")
    make.node("Range", [make.number(0), "w3", make.number(1)], "key_places")
    make.node("Range", [make.number(0), "w", make.number(1)], "query_places")
    make.node("Add", ["query_places", "w"], "query_places_own")
    make.node("Unsqueeze", ["query_places_own", make.ints(1)], "query_places_column")
    make.node("Sub", ["key_places", "query_places_column"], "offsets")  # [w, 3w]
    make.node("Abs", ["offsets"], "distances")
    make.node("LessOrEqual", ["distances", make.number(WINDOW)], "near")
    make.node("Cast", ["near"], "near_float", to=TensorProto.FLOAT)
    make.node("Mul", ["mask_keys", "near_float"], "seen")
    make.node("Sub", ["seen", make.floats(1.0)], "unseen")
    make.node("Mul", ["unseen", make.floats(-MASKED)], "bias")


def _neighbours(make: Builder, x: str, name: str, width: int) -> str:
    """[batch, seq, width] → the block before, the own and the block after: [batch * blocks, 3w, width]"""
    make.node("Pad", [x, "pads_keys"], f"{name}.padded")
    parts = []
    for place, (start, end) in enumerate(((make.ints(0), "filled_1"), ("w_1", "end1"), ("w2_1", "end2"))):
        make.node("Slice", [f"{name}.padded", start, end, make.ints(1)], f"{name}.shifted{place}")
        parts.append(make.node("Reshape", [f"{name}.shifted{place}", f"shape_block{width}"], f"{name}.block{place}"))
    return make.node("Concat", parts, f"{name}.neighbours", axis=1)


def _embeddings(make: Builder, state: State) -> str:
    words = make.table(state[TABLE], "word_embeddings", "input_ids")
    make.node("Gather", [make.constant("positions", state["positions"]), "places_in_period"], "position_rows")
    make.node("Add", [words, "position_rows"], "embeddings_sum")
    norm = "embeddings.LayerNorm"
    inputs = ["embeddings_sum", *(make.constant(f"{norm}.{part}", state[f"{norm}.{part}"]) for part in ("weight", "bias"))]
    return make.node("LayerNormalization", inputs, f"{norm}.out", axis=-1, epsilon=EPSILON)


def _layer(make: Builder, state: State, name: str, x: str) -> str:
    out = f"{name}.attention.output"
    projected = make.matmul(_attention(make, state, name, x), state[f"{out}.dense.weight"], f"{out}.dense")
    x = make.residual_norm(projected, x, state, f"{out}.dense", f"{out}.LayerNorm")
    inner, out = f"{name}.intermediate.dense", f"{name}.output"
    make.matmul(x, state[f"{inner}.weight"], inner)
    make.node("Add", [f"{inner}.matmul", make.constant(f"{inner}.bias", state[f"{inner}.bias"])], f"{inner}.sum")
    make.node("Gelu", [f"{inner}.sum"], f"{inner}.gelu", CONTRIB)
    make.matmul(f"{inner}.gelu", state[f"{out}.dense.weight"], f"{out}.dense")
    return make.residual_norm(f"{out}.dense.matmul", x, state, f"{out}.dense", f"{out}.LayerNorm")


def _attention(make: Builder, state: State, name: str, x: str) -> str:
    """softmax(QKᵀ/√HEAD + bias)·V within the blocks: [batch, seq, WIDTH]"""
    own = f"{name}.attention.self"
    bias = np.concatenate([state[f"{own}.{part}.bias"] for part in ("query", "key", "value")])
    weight = np.concatenate([state[f"{own}.{part}.weight"] for part in ("query", "key", "value")])
    make.matmul(x, weight, f"{own}.qkv")
    make.node("Add", [f"{own}.qkv.matmul", make.constant(f"{own}.qkv.bias", bias)], f"{own}.qkv")
    query, key_value = make.split(f"{own}.qkv", [WIDTH, 2 * WIDTH], [f"{own}.query", f"{own}.key_value"])

    make.node("Pad", [query, "pads_queries"], f"{own}.query.padded")
    make.node("Reshape", [f"{own}.query.padded", "shape_queries"], f"{own}.query.split_heads")
    make.node("Transpose", [f"{own}.query.split_heads"], f"{own}.query.heads", perm=[0, 2, 1, 3])
    around = _neighbours(make, key_value, key_value, 2 * WIDTH)
    keys, values = make.split(around, [WIDTH, WIDTH], [f"{own}.keys", f"{own}.values"])
    for part, order in ((keys, [0, 2, 3, 1]), (values, [0, 2, 1, 3])):
        make.node("Reshape", [part, "shape_keys"], f"{part}.split_heads")
        make.node("Transpose", [f"{part}.split_heads"], f"{part}.heads", perm=order)

    make.node("MatMul", [f"{own}.query.heads", f"{keys}.heads"], f"{own}.products")
    make.node("Mul", [f"{own}.products", make.floats(HEAD**-0.5)], f"{own}.scaled")
    make.node("Add", [f"{own}.scaled", "bias"], f"{own}.masked")
    make.node("Softmax", [f"{own}.masked"], f"{own}.weights", axis=-1)
    make.node("MatMul", [f"{own}.weights", f"{values}.heads"], f"{own}.mixed")
    make.node("Transpose", [f"{own}.mixed"], f"{own}.mixed_rows", perm=[0, 2, 1, 3])
    make.node("Reshape", [f"{own}.mixed_rows", "shape_joined"], f"{own}.joined")
    return make.node("Slice", [f"{own}.joined", make.ints(0), "length_1", make.ints(1)], f"{own}.context")
