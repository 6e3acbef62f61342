"""Differential privacy: samplers, mechanisms, budgets. Pure: randomness is an argument."""
