"""Invitations: codes that people paste, sealed letters left at a coordinator, and drafts."""
