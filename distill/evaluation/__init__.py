"""The evidence: what is measured on test rows, its intervals, and the gates."""
