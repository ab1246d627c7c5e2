"""The charts of the report, as plain values that the page draws."""
