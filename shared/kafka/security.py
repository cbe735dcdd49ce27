"""TLS to the brokers."""

import ssl


def ssl_context(ca_file: str) -> ssl.SSLContext:
    """A verifying context that trusts `ca_file`, or the system's authorities if it is empty."""
    return ssl.create_default_context(cafile=ca_file or None)
