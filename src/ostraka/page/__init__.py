"""Page of a collection: one HTML file that asks for a report, and seals it in the browser."""
