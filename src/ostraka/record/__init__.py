"""Records that a party keeps of its runs: ledger, rules, budgets, receipts."""
