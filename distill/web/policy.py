"""What the page may do, as a browser enforces it: its Content-Security-Policy and the headers that go with it.

The policy stands in each page (`<meta>`), so that it holds on any host; a server should send it as a header too,
because `frame-ancestors` counts there alone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from distill.errors import DataError

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
PREDICT = "/predict"


def endpoint(api: str) -> str:
    """The URL that predictions are asked from, given the API's: `https://host/stage` or with `/predict` after it.

    Raises:
        DataError: not a URL that a page can be allowed to call.
    """
    made = api.strip().rstrip("/").removesuffix(PREDICT).rstrip("/") + PREDICT
    wanted = "Give it as https://HOST/STAGE, as the stack's output ApiUrl has it (http:// for this machine alone)."
    try:
        parts = urlsplit(made)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise DataError(f"--api is not a URL. {wanted}") from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL)
    plain = made.isascii() and made.isprintable() and not set(made) & set(" '\"<>;,\\?#@")
    if not (secure and plain and host) or port == 0:
        raise DataError(f"--api is not an address that the page can call. {wanted}")
    return made


def content_security_policy(calls: str | None) -> str:
    """The page's policy: its own files, WebAssembly, and the one URL it may call, if any."""
    connect = f"'self' {calls}" if calls else "'self'"
    rules = (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # to compile WebAssembly; not to run a string as a script
        "style-src 'self'",
        "img-src 'self'",
        f"connect-src {connect}",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types limbeck",
    )
    return "; ".join(rules)


def headers(calls: str | None) -> dict[str, str]:
    """What a server should send with every file of the page."""
    return {
        "Content-Security-Policy": f"{content_security_policy(calls)}; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
