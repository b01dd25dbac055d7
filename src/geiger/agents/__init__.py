"""Three assistants for a project that uses Geiger, as definitions to install."""

from geiger.agents.install import NAMES, Installed, install, text_of

__all__ = ["NAMES", "Installed", "install", "text_of"]
