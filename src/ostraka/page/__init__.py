"""Page of a collection: one HTML file that asks for a report, seals it in the browser and sends it."""
