"""Where numbers and alerts of a training go beside the run log."""
