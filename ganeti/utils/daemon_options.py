# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that daemons have in common, and what is checked before one starts.

A daemon that cannot start says why on stderr and exits with 1; argparse exits with 2.
"""

from __future__ import annotations

import argparse
import os
import sys

from ganeti.errors import GenericError
from ganeti.utils import net

MOST_PORT = 65535
DEFAULT_BIND = {net.IPV4: "0.0.0.0", net.IPV6: "::"}


class StartError(GenericError):
    """The daemon is not to be started like this."""


def parser(name: str, about: str, version: str) -> argparse.ArgumentParser:
    """What every daemon has."""
    made = argparse.ArgumentParser(prog=name, description=about, allow_abbrev=False)
    made.add_argument("--version", action="version", version=version)
    made.add_argument("-f", "--foreground", action="store_true", help="stay on the terminal")
    made.add_argument("-d", "--debug", action="store_true", help="debug messages in the log")
    made.add_argument(
        "--syslog",
        nargs="?",
        const="yes",
        default="no",
        choices=("no", "yes", "only"),
        help="log to syslog too, or only there (default: no)",
    )
    made.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    return made


def add_listener(to: argparse.ArgumentParser, name: str) -> None:
    """What daemons have that listen on the network."""
    port = net.daemon_port(name)
    to.add_argument("-p", "--port", type=_port, default=port, help=f"default: {port}")
    to.add_argument("-b", "--bind", metavar="ADDRESS", help="listen on this address (default: all)")
    to.add_argument("-i", "--interface", help="listen on the first address of this interface")


def _port(text: str) -> int:
    """The resolver would take a number that is too large for another one."""
    if not text.isdecimal() or int(text) > MOST_PORT:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: 0 to {MOST_PORT}")
    return int(text)


def add_server(to: argparse.ArgumentParser, pem: str) -> None:
    """What the HTTPS servers have."""
    to.add_argument("--max-clients", type=int, default=20, help="requests at once (default: 20)")
    to.add_argument("--no-ssl", dest="ssl", action="store_false", help="plain HTTP")
    to.add_argument("-K", "--ssl-key", default=pem, metavar="FILE", help=f"default: {pem}")
    to.add_argument("-C", "--ssl-cert", default=pem, metavar="FILE", help=f"default: {pem}")


def check(options: argparse.Namespace) -> None:
    """What is wrong with any daemon's options."""
    if options.arguments:
        raise StartError(f"arguments are not expected: {' '.join(options.arguments)}")


def check_server(options: argparse.Namespace) -> None:
    """What is wrong with the options of an HTTPS server."""
    if options.max_clients < 1:
        raise StartError("--max-clients must be 1 or more")
    for what, path in (("key", options.ssl_key), ("certificate", options.ssl_cert)):
        if options.ssl and not os.path.isfile(path):
            raise StartError(f"the {what} file {path} is missing (without TLS: --no-ssl)")


def bind_address(options: argparse.Namespace, family: int) -> str:
    """The address to listen on; the cluster's address family decides what all addresses are."""
    everything = DEFAULT_BIND[family]
    if options.interface is None:
        return options.bind or everything
    if options.bind not in (None, everything):
        raise StartError("-b and -i exclude each other")
    return net.interface_address(options.interface, family)


def refuse(name: str, error: Exception) -> int:
    """Tell why the daemon does not start; its exit code."""
    sys.stderr.write(f"{name}: {error}\n")
    return 1
