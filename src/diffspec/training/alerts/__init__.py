"""What is told of a training that goes wrong: rules, and which of them hold now."""
