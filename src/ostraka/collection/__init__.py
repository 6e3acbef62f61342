"""Collections: contributors report once and leave; the formats of what they leave behind."""
