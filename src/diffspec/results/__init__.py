"""Results: a number with its unit, its error, its settings and a word on its worth; to JSON and back."""
