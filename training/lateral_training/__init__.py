"""Shared code of the scripts that make lateral-mini: sequences, data, model, quantisers, ONNX graph, retrieval."""
