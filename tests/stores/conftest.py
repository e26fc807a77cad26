"""
What do the tests of stores share?
"""

from postgres import postgres_server, postgres_url
from sqlite_files import path, store

__all__ = ["path", "postgres_server", "postgres_url", "store"]
