"""The home directory: where the store, checkpoints and caches of one user live."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from engine.errors import HomeError

VARIABLE = "TRANSFERSCOPE_HOME"


def default() -> Path:
    """The platform's folder for user data, with `transferscope` below it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "transferscope"


def resolve(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the home directory, created and proved writable.

    Args:
        path: the directory asked for; None takes `TRANSFERSCOPE_HOME`, then the platform's default.

    Raises:
        HomeError: it cannot be created or written; the message names the directory and the reason.
    """
    home = Path(path or os.environ.get(VARIABLE) or default()).expanduser().absolute()
    advice = f"Choose a folder you can write to with --home DIR, or set {VARIABLE}."
    try:
        home.mkdir(parents=True, exist_ok=True)
        # A permission bit says little (read-only mounts, quotas, root): only a write proves that one can write.
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"transferscope")
    except OSError as error:
        raise HomeError(f"The home directory {home} cannot be used: {error.strerror or error}. {advice}") from error
    return home
