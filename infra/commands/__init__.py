"""The command line: one module a group of commands, and how results are printed."""
