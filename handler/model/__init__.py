"""The graph as a function: predict, explain, and the copy that opens faster."""
