"""Interactive operations on secret arrays, in terms of a `Backend` that shares them."""
