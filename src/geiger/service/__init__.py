"""Doors for other programs: the analyzer as an MCP server."""
