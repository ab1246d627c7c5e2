"""What goes in: distances, neighbours, references to groups, and points that stay on disk."""
