"""Requests and responses: the shapes of events, bodies, strict JSON."""
