"""Time, peak memory and difference in bits of diffspec, a plain NumPy transcription and dse-dsmi 1.1, side by side."""
