"""How sure a measure is: tests against chance, intervals, comparisons and rankings of representations."""
