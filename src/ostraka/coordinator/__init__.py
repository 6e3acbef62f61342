"""The coordinator: a program beside the parties that relays what it cannot read."""
