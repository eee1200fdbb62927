"""What stands at each path, and what is told of each request."""
