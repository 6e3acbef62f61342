"""Interactive operations on shares, in terms of an `Exchange`."""
