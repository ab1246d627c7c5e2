"""What is put in: data sets and random views of their images."""
