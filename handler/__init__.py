"""The Lambda function: one bundle, one ONNX session, answers per request."""
