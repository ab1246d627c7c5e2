"""What is trained: the six architectures in two sizes, and how they are initialised."""
