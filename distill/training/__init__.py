"""How a student is taught: soft labels, losses, batches, the training loop."""
