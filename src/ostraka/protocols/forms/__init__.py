"""Forms that several protocols compose: ballots, numbers, orders, tables, noise."""
