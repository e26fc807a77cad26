"""
Where do the leak tests get a PostgreSQL server from?
"""

from postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
