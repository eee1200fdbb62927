"""The transfer set: rows, and the teacher's logits on them."""
