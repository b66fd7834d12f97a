"""From what a provider answered to what was used; pure, tolerant of dicts and objects, never inventing a number."""
