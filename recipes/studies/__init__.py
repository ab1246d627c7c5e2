"""Questions put to the training laboratory: blocks, initialisations, auxiliary losses."""
