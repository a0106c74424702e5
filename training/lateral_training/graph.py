"""The ONNX graph, written by hand from a state dict: quantised matrices and embeddings, fused norms, unit rows.

input_ids, attention_mask (int64 [batch, seq]) → embeddings (f32 [batch, seq, 128]).
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .model import DIM, EPSILON, HEADS, LAYERS, WIDTH
from .quantizers import BLOCK, quantize_blocks, quantize_rows, restore_blocks

CONTRIB = "com.microsoft"
MASKED = -10000.0
HEAD = WIDTH // HEADS


@dataclass
class Builder:
    bits: int | None
    embedding_bits: int | None
    projection_bits: int | None
    fused_attention: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: np.ndarray) -> str:
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("ints_" + "_".join(map(str, values)).replace("-", "m"), np.array(values, dtype=np.int64))

    def floats(self, value: float) -> str:
        return self.constant(f"float_{value}", np.array(value, dtype=np.float32))

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def matmul(self, x: str, weight: np.ndarray, name: str, bits: int | None) -> str:
        """x · weightᵀ for a [out, in] weight."""
        out, width = weight.shape
        if bits is None:
            return self.node("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.matmul")
        packed, scales = quantize_blocks(weight, bits)
        inputs = [x, self.constant(f"{name}.weight_q{bits}", packed), self.constant(f"{name}.scales", scales.reshape(-1))]
        return self.node("MatMulNBits", inputs, f"{name}.matmul", CONTRIB, K=width, N=out, bits=bits, block_size=BLOCK)

    def table(self, table: np.ndarray, name: str, indices: str) -> str:
        """Rows of an embedding table."""
        if self.embedding_bits is None:
            return self.node("Gather", [self.constant(name, table), indices], f"{name}.rows")
        if self.embedding_bits == 8:
            rows, scales = quantize_rows(table)
            raw = self.node("Gather", [self.constant(f"{name}_q8", rows), indices], f"{name}.bytes")
            number = self.node("Cast", [raw], f"{name}.numbers", to=TensorProto.FLOAT)
            scale = self.node("Gather", [self.constant(f"{name}_scales", scales), indices], f"{name}.scale")
            return self.node("Mul", [number, scale], f"{name}.rows")
        packed, scales = quantize_blocks(table, 4)
        inputs = [self.constant(f"{name}_q4", packed.reshape(len(table), -1)), indices, self.constant(f"{name}_scales", scales)]
        return self.node("GatherBlockQuantized", inputs, f"{name}.rows", CONTRIB, bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1)

    def residual_norm(self, x: str, residual: str, bias: np.ndarray, state: Mapping[str, np.ndarray], norm: str, name: str) -> str:
        """LayerNorm(x + bias + residual)"""
        inputs = [
            x,
            residual,
            self.constant(f"{norm}.weight", state[f"{norm}.weight"]),
            self.constant(f"{norm}.bias", state[f"{norm}.bias"]),
            self.constant(f"{name}.bias", bias),
        ]
        return self.node("SkipLayerNormalization", inputs, f"{norm}.out", CONTRIB, epsilon=EPSILON)


def build(
    state: Mapping[str, np.ndarray],
    bits: int | None = 4,
    embedding_bits: int | None = 8,
    projection_bits: int | None = 8,
    fused_attention: bool = False,
) -> onnx.ModelProto:
    make = Builder(bits, embedding_bits, projection_bits, fused_attention)
    make.node("Shape", ["input_ids"], "shape")
    make.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
    make.node("Sub", ["mask_float", make.floats(1.0)], "mask_shifted")
    make.node("Mul", ["mask_shifted", make.floats(-MASKED)], "mask_flat")
    make.node("Unsqueeze", ["mask_flat", make.ints(1, 2)], "mask_bias")  # [batch, 1, 1, seq]
    if fused_attention:  # the fused operator wants [batch, 1, seq, seq]
        make.node("Gather", ["shape", make.constant("one", np.array(1, dtype=np.int64))], "length_scalar")
        make.node("Unsqueeze", ["length_scalar", make.ints(0)], "length")
        make.node("Concat", [make.ints(1, 1), "length", make.ints(1)], "mask_shape", axis=0)
        make.node("Expand", ["mask_bias", "mask_shape"], "mask_square")

    x = _embeddings(make, state)
    for layer in range(LAYERS):
        x = _layer(make, state, f"encoder.layer.{layer}", x)

    make.matmul(x, state["linear.weight"], "linear", projection_bits)
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


def rounded(
    state: Mapping[str, np.ndarray], bits: int | None, embedding_bits: int | None, projection_bits: int | None
) -> dict[str, np.ndarray]:
    """The state dict whose fp32 model is the quantised graph: every matrix replaced by what its bytes stand for."""
    out = dict(state)
    # As in `_embeddings`: the graph's position table holds the token type too, which is then zero here.
    out["embeddings.position_embeddings.weight"] = state["embeddings.position_embeddings.weight"] + state["embeddings.token_type_embeddings.weight"][0]
    out["embeddings.token_type_embeddings.weight"] = np.zeros_like(state["embeddings.token_type_embeddings.weight"])
    for name, value in out.items():
        table = name in ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")
        if value.ndim != 2 or name == "embeddings.token_type_embeddings.weight":
            continue
        own = embedding_bits if table else projection_bits if name == "linear.weight" else bits
        if own is not None and table and own == 8:
            rows, scales = quantize_rows(value)
            out[name] = rows.astype(np.float32) * scales
        elif own is not None:
            out[name] = restore_blocks(value, own)
    return out


def _embeddings(make: Builder, state: Mapping[str, np.ndarray]) -> str:
    words = make.table(state["embeddings.word_embeddings.weight"], "word_embeddings", "input_ids")
    # Positions 0 … seq-1 of every row; the token type (always 0) is part of the position table.
    positions = state["embeddings.position_embeddings.weight"] + state["embeddings.token_type_embeddings.weight"][0]
    make.node("Gather", ["shape", make.constant("axis_seq", np.array(1, dtype=np.int64))], "seq_length")
    make.node("Range", [make.constant("range_from", np.array(0, dtype=np.int64)), "seq_length", make.constant("range_step", np.array(1, dtype=np.int64))], "position_ids")
    rows = make.table(positions, "position_embeddings", "position_ids")
    make.node("Add", [words, rows], "embeddings_sum")
    norm = "embeddings.LayerNorm"
    inputs = ["embeddings_sum", make.constant(f"{norm}.weight", state[f"{norm}.weight"]), make.constant(f"{norm}.bias", state[f"{norm}.bias"])]
    return make.node("LayerNormalization", inputs, f"{norm}.out", axis=-1, epsilon=EPSILON)


def _layer(make: Builder, state: Mapping[str, np.ndarray], name: str, x: str) -> str:
    context = _attention(make, state, name, x)
    out = f"{name}.attention.output"
    projected = make.matmul(context, state[f"{out}.dense.weight"], f"{out}.dense", make.bits)
    x = make.residual_norm(projected, x, state[f"{out}.dense.bias"], state, f"{out}.LayerNorm", f"{out}.dense")
    inner = f"{name}.intermediate.dense"
    make.matmul(x, state[f"{inner}.weight"], inner, make.bits)
    make.node("Add", [f"{inner}.matmul", make.constant(f"{inner}.bias", state[f"{inner}.bias"])], f"{inner}.sum")
    make.node("Gelu", [f"{inner}.sum"], f"{inner}.gelu", CONTRIB)
    out = f"{name}.output"
    make.matmul(f"{inner}.gelu", state[f"{out}.dense.weight"], f"{out}.dense", make.bits)
    return make.residual_norm(f"{out}.dense.matmul", x, state[f"{out}.dense.bias"], state, f"{out}.LayerNorm", f"{out}.dense")


def _attention(make: Builder, state: Mapping[str, np.ndarray], name: str, x: str) -> str:
    """Queries, keys and values in one matrix product, then softmax(QKᵀ/√HEAD + mask)·V, fused or step by step."""
    own = f"{name}.attention.self"
    parts = ("query", "key", "value")
    weight = np.concatenate([state[f"{own}.{part}.weight"] for part in parts])
    bias = np.concatenate([state[f"{own}.{part}.bias"] for part in parts])
    make.matmul(x, weight, f"{own}.qkv", make.bits)
    make.node("Add", [f"{own}.qkv.matmul", make.constant(f"{own}.qkv.bias", bias)], f"{own}.qkv")
    pieces = [f"{own}.{part}" for part in parts]
    make.nodes.append(helper.make_node("Split", [f"{own}.qkv", make.ints(WIDTH, WIDTH, WIDTH)], pieces, name=f"{own}.split", axis=-1))
    if make.fused_attention:
        inputs = [*pieces, "", "", "mask_square"]
        return make.node("MultiHeadAttention", inputs, f"{own}.context", CONTRIB, num_heads=HEADS)
    for piece, order in zip(pieces, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])):
        make.node("Reshape", [piece, make.ints(0, 0, HEADS, HEAD)], f"{piece}.split_heads")
        make.node("Transpose", [f"{piece}.split_heads"], f"{piece}.heads", perm=order)
    make.node("MatMul", [f"{pieces[0]}.heads", f"{pieces[1]}.heads"], f"{own}.products")
    make.node("Mul", [f"{own}.products", make.floats(HEAD**-0.5)], f"{own}.scaled")
    make.node("Add", [f"{own}.scaled", "mask_bias"], f"{own}.masked")
    make.node("Softmax", [f"{own}.masked"], f"{own}.weights", axis=-1)
    make.node("MatMul", [f"{own}.weights", f"{pieces[2]}.heads"], f"{own}.mixed")
    make.node("Transpose", [f"{own}.mixed"], f"{own}.joined", perm=[0, 2, 1, 3])
    return make.node("Reshape", [f"{own}.joined", make.ints(0, 0, WIDTH)], f"{own}.context")
