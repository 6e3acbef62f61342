"""The command line: parsing, printing and drawing; no rule of a session is kept here."""
