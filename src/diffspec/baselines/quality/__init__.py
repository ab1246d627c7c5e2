"""Quality of one representation: its spectrum, its classes, its dimension."""
