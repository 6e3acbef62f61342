"""Mailbox over HTTP: contributors leave sealed reports, compute parties fetch them."""
