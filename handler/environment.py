"""The environment variables of the function: one with a value that cannot be read counts as not set.

Powertools reads its own as it is imported, as a logger is made and with every metric, and raises on a value that it
does not know, an empty one too. So they are checked before it is imported. A level is written as Lambda writes it:
Powertools compares two of them by their names.

BUNDLE_DIR and TRUST_FILE are not among them: without the right ones nothing is served (`handler.app`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from types import MappingProxyType

# Lambda's names (Advanced Logging Controls). Of its TRACE and Python's NOTSET Powertools would make the root's level.
_LEVELS: Mapping[str, str] = MappingProxyType(
    {"TRACE": "DEBUG", "NOTSET": "DEBUG", "WARNING": "WARN", "CRITICAL": "FATAL"}
    | {level: level for level in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")}
)
_TRUTHS = frozenset({"1", "y", "yes", "t", "true", "on", "0", "n", "no", "f", "false", "off"})


def _level(value: str) -> str | None:
    return _LEVELS.get(value.upper())


def _truth(value: str) -> str | None:
    return value.lower() if value.lower() in _TRUTHS else None


def _share(value: str) -> str | None:
    try:
        return value if 0 <= float(value) <= 1 else None
    except ValueError:
        return None


def _name(value: str) -> str | None:
    return value if value.isascii() and value.isprintable() and 0 < len(value) <= 255 else None


def _origin(value: str) -> str | None:
    """An origin as browsers send it (RFC 6454, section 6.2), which ends in no slash."""
    value = value.removesuffix("/")
    return value if re.fullmatch(_ORIGIN, value) else None


_ORIGIN = r"|\*|null|[a-z][a-z0-9+.-]*://[A-Za-z0-9._:\[\]-]+"  # compiled where one is set
_A_LEVEL, _A_TRUTH, _A_NAME = "DEBUG, INFO, WARN, ERROR or FATAL", "true or false", "1 to 255 characters of ASCII"
# What reads each variable, None where it cannot; and what it wants to be.
_KNOWN: Mapping[str, tuple[Callable[[str], str | None], str]] = MappingProxyType(
    {
        "POWERTOOLS_LOG_LEVEL": (_level, _A_LEVEL),
        "LOG_LEVEL": (_level, _A_LEVEL),
        "AWS_LAMBDA_LOG_LEVEL": (_level, _A_LEVEL),
        "POWERTOOLS_SERVICE_NAME": (_name, _A_NAME),
        "POWERTOOLS_METRICS_NAMESPACE": (_name, _A_NAME),
        "POWERTOOLS_LOGGER_SAMPLE_RATE": (_share, "a number from 0 to 1"),
        "POWERTOOLS_LOG_DEDUPLICATION_DISABLED": (_truth, _A_TRUTH),
        "POWERTOOLS_METRICS_DISABLED": (_truth, _A_TRUTH),
        "POWERTOOLS_DEBUG": (_truth, _A_TRUTH),
        "POWERTOOLS_DEV": (_truth, _A_TRUTH),
        "CORS_ORIGIN": (_origin, "one origin without a path, such as https://app.example.org, or *"),
    }
)


def mend(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Take the variables out of `environment` that cannot be read, so that the defaults hold.

    Returns:
        What each variable that was taken out wants to be, by its name. What it was is told to nobody.
    """
    ignored = {}
    for name, (read, wanted) in _KNOWN.items():
        if name not in environment:
            continue
        value = read(environment[name].strip())
        if value is None:
            del environment[name]
            ignored[name] = wanted
        else:
            environment[name] = value
    return ignored
