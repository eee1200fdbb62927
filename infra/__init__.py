"""Puts bundles in the cloud: image, registry, release."""
