"""Forecasts become positions, positions a ledger, the ledger a scorecard.

Its files are imported by name: a face would load the simulation for whoever wants a word of it.
"""
