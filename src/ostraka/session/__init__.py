"""One party's session with its peers: gathering, links, and the exchange they carry."""
