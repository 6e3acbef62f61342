"""Learning: rounds of sums of updates, from which devices train one model together."""
