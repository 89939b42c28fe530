"""The screen: a Streamlit dashboard that draws what the engine wrote into the store."""

from importlib import metadata

try:
    __version__ = metadata.version("transferscope")
except metadata.PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "of this checkout"
