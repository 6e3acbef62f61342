"""Numbers that shares are made of: F_p and Z_2^64, GF(2^m), bit planes, streams, correction."""
