"""The training laboratory: networks trained under three conditions and measured while they learn."""
