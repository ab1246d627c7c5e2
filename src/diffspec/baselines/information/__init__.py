"""Estimators of entropy and information from bins and nearest neighbours."""
