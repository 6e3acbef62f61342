"""Page of one party on its own machine: sessions, input, progress, results, budget, receipts."""
