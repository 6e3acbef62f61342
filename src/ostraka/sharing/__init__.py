"""Secret sharing of integer vectors: pure arithmetic, no network, no clock."""
