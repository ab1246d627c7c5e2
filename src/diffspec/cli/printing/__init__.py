"""What a person reads in a terminal: estimates, tables, facts about the machine, the board of a run."""
