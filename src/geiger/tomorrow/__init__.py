"""The next session: the forecast from a stored run, and the ledger of forecasts saved in time."""
