"""What is particular to each kind of input, behind one frozen record."""
