"""Other people's classifiers, each a program in an environment of its own."""
