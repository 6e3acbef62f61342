"""Bytes on a link: frames, messages and vectors. Pure code: no sockets and no clock."""
