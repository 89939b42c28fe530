"""The settings of the server and the look."""

from __future__ import annotations

import errno
import itertools
from importlib import metadata
from pathlib import Path

import pytest
from streamlit import config

from dashboard import serving


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def faded(text: str, paper: str, share: float = 0.6) -> str:
    """What Streamlit makes of a caption: the text colour at 60 %."""
    pairs = [(int(text[i : i + 2], 16), int(paper[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * ink + (1 - share) * ground):02x}" for ink, ground in pairs)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server.address", "127.0.0.1"),
        ("server.allowedHosts", ["127.0.0.1", "::1", "localhost"]),
        ("server.enableCORS", True),
        ("server.enableXsrfProtection", True),
        ("server.enableStaticServing", False),
        ("server.enableAgentApi", False),
        ("server.maxUploadSize", 1),
        ("browser.gatherUsageStats", False),
        ("client.showErrorDetails", "none"),
        ("client.toolbarMode", "minimal"),
        ("runner.postScriptGC", False),
    ],
)
def test_what_is_safe_is_set(option: str, value: object) -> None:
    assert serving.settings()[option] == value


def test_streamlit_knows_every_option() -> None:
    assert set(serving.settings()) <= config.get_config_options().keys()


def test_options_that_an_older_streamlit_refuses_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "1.61.0")
    assert not {"server.enableAgentApi", "theme.paddingTop"} & serving.settings().keys()


def test_flags_win_over_the_file() -> None:
    chosen = serving.settings(server_port=9000, server_address="127.0.0.2")
    assert chosen["server.port"] == 9000
    assert "127.0.0.2" in chosen["server.allowedHosts"]


def test_an_old_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    serving.check_versions()
    monkeypatch.setattr(metadata, "version", lambda _: "1.60.9")
    with pytest.raises(serving.LaunchError, match=r"streamlit 1\.60\.9 .* before 1\.61 .* --upgrade"):
        serving.check_versions()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_is_a_host(host: str) -> None:
    serving.check_host(host)


def test_a_port_of_the_system_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(host: str, port: int) -> int:
        if port < 1024:
            raise PermissionError(errno.EACCES, "Permission denied")
        return port

    monkeypatch.setattr(serving, "_bind", forbid)  # an administrator, as in a container, may listen anywhere
    with pytest.raises(serving.LaunchError, match=r"administrator rights.*--port 1024"):
        serving.check_port("127.0.0.1", 81)


def test_an_address_for_the_browser() -> None:
    assert serving.url("127.0.0.1", 8501) == "http://127.0.0.1:8501"
    assert serving.url("::1", 8501) == "http://[::1]:8501"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_charts_can_be_read(theme: str) -> None:
    look = {name.removeprefix(f"theme.{theme}."): value for name, value in serving.settings().items()}
    papers = [look["backgroundColor"], look["secondaryBackgroundColor"], look["sidebar.backgroundColor"]]
    for text, paper in itertools.product((look["textColor"], look["linkColor"]), papers):
        assert contrast(text, paper) >= 4.5
    for paper in papers:
        assert contrast(faded(look["textColor"], paper), paper) >= 4.5
    assert contrast("#ffffff", look["primaryColor"]) >= 4.5  # the label of a primary button
    assert contrast(look["primaryColor"], papers[0]) >= 3
    assert len(look["chartCategoricalColors"]) == len(set(look["chartCategoricalColors"])) == 10
    assert all(contrast(colour, papers[0]) >= 3 for colour in look["chartCategoricalColors"])
    assert len(look["chartSequentialColors"]) == len(look["chartDivergingColors"]) == 10


def test_the_logo_needs_nothing_from_elsewhere() -> None:
    logo = (Path(__file__).parents[2] / "assets" / "logo.svg").read_text(encoding="utf-8")
    assert logo.count("http") == 1  # the name of the format
