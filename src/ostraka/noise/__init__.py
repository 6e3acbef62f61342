"""Noise: samplers, mechanisms, shares of noise, clipping. Pure: randomness is an argument."""
