"""What an input of each kind is, and how it becomes tensors."""
