"""A bundle as a static page: the graph that Lambda serves, answering in a person's browser."""
