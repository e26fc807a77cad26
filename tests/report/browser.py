"""
How does a test look at a page: in a headless Chromium, Debian's own.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
)  # fmt: skip


def find_chromium() -> str:
    """
    Return where Chromium is, installing Debian's if this is root on a Debian; else skip, saying why.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (("update", "-qq"), ("install", "-y", "-qq", "chromium")):
            subprocess.run(  # noqa: S603 - fixed words
                ["apt-get", *command],  # noqa: S607 - the system's
                check=False, capture_output=True, timeout=400,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )  # fmt: skip
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium here, and it cannot be installed: needs root and apt-get")
    return found


def look(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """
    Open *page* with a new, empty profile; what the console says is on the error stream.
    """
    profile.mkdir()
    command = [find_chromium(), *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(  # noqa: S603 - the browser, and paths of this test
        command, check=True, capture_output=True, text=True, timeout=120
    )
