"""A monitor and its measures inside other trainers and metrics: each file needs the library that it names."""
