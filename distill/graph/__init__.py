"""From a trained student to the ONNX graph that ships: export, quantise, calibrate."""
