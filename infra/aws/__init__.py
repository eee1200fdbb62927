"""Clients for AWS, one module a service, with errors in plain words."""
