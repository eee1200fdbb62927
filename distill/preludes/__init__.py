"""Raw input to features, as ONNX graphs: what training reads is what production runs."""
