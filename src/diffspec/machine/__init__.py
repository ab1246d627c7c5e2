"""What the machine gives: memory and threads."""
