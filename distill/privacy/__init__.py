"""What may be stored of training rows."""
