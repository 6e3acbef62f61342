"""Bytes on a link: frames, messages and vectors. Pure: neither sockets nor clock."""
