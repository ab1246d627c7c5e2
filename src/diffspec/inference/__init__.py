"""How sure a measure is: tests against chance, intervals and comparisons."""
