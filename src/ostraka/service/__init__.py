"""Services that stay: signals, logs, pace, health and metrics around the work that each does."""
