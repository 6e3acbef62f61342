"""What a party remembers of its runs: ledger, rules, budgets, receipts."""
