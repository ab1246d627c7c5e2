"""A monitor and its measures inside other trainers and metrics: a file per library, which it needs; what they share."""
