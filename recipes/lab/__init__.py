"""What every recipe uses: its results, its expected numbers, its figures and pages, the command."""
