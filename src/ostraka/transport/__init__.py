"""Links to peers: TLS over TCP, over a coordinator, or in memory."""
