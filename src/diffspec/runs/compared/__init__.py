"""The log as runs compared: those that differ in the seed only as one condition, with a line each; nothing is drawn."""
