"""Session of one party with its peers: gathering, links, and the exchange over them."""
