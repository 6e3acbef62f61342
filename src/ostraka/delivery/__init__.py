"""Agreement on which contributors are counted, and the opening of results, for every scheme."""
