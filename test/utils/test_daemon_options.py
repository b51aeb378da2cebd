# SPDX-License-Identifier: GPL-2.0-or-later
"""What all daemons accept, refuse, and listen on."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from ganeti.errors import IPAddressError
from ganeti.utils import daemon_options, net

PEM = "/var/lib/ganeti/server.pem"


def parse(*argv: str) -> argparse.Namespace:
    parser = daemon_options.parser("ganeti-noded", "About.", "ganeti-noded (ganeti) 3.0")
    daemon_options.add_listener(parser, "ganeti-noded")
    daemon_options.add_server(parser, PEM)
    return parser.parse_args(argv)


def test_defaults() -> None:
    options = parse()
    assert not options.foreground
    assert not options.debug
    assert options.syslog == "no"
    assert (options.port, options.bind, options.interface) == (1811, None, None)
    assert (options.ssl, options.ssl_key, options.ssl_cert) == (True, PEM, PEM)
    assert options.max_clients == 20


@pytest.mark.parametrize(
    ("argv", "name", "value"),
    [
        (["-f"], "foreground", True),
        (["--foreground"], "foreground", True),
        (["-d"], "debug", True),
        (["--syslog"], "syslog", "yes"),
        (["--syslog=only"], "syslog", "only"),
        (["-p", "2000"], "port", 2000),
        (["-b", "192.0.2.1"], "bind", "192.0.2.1"),
        (["-i", "lo"], "interface", "lo"),
        (["--no-ssl"], "ssl", False),
        (["-K", "/k"], "ssl_key", "/k"),
        (["-C", "/c"], "ssl_cert", "/c"),
        (["--max-clients", "3"], "max_clients", 3),
    ],
)
def test_options(argv: list[str], name: str, value: object) -> None:
    assert getattr(parse(*argv), name) == value


@pytest.mark.parametrize("argv", [["--syslog=maybe"], ["-p", "x"], ["--unknown"], ["--fore"]])
def test_what_cannot_be_parsed_ends_with_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*argv)
    assert caught.value.code == 2


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--version")
    assert not caught.value.code
    assert capsys.readouterr().out == "ganeti-noded (ganeti) 3.0\n"


def test_arguments_are_refused() -> None:
    daemon_options.check(parse())
    with pytest.raises(daemon_options.StartError, match="extra"):
        daemon_options.check(parse("extra"))


def test_the_certificate_must_be_there(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    missing = str(tmp_path / "missing")
    pem.write_text("")
    daemon_options.check_server(parse("-K", str(pem), "-C", str(pem)))
    daemon_options.check_server(parse("-K", missing, "-C", missing, "--no-ssl"))
    for argv, what in (
        (("-K", missing, "-C", str(pem)), "key"),
        (("-K", str(pem), "-C", missing), "certificate"),
    ):
        with pytest.raises(daemon_options.StartError, match=f"{what} file {missing} is missing"):
            daemon_options.check_server(parse(*argv))


def test_at_least_one_client() -> None:
    with pytest.raises(daemon_options.StartError, match="max-clients"):
        daemon_options.check_server(parse("--no-ssl", "--max-clients", "0"))


def test_what_is_listened_on() -> None:
    assert daemon_options.bind_address(parse(), net.IPV4) == "0.0.0.0"
    assert daemon_options.bind_address(parse(), net.IPV6) == "::"
    assert daemon_options.bind_address(parse("-b", "192.0.2.1"), net.IPV4) == "192.0.2.1"
    assert daemon_options.bind_address(parse("-i", "lo"), net.IPV4) == "127.0.0.1"
    with pytest.raises(daemon_options.StartError, match="exclude each other"):
        daemon_options.bind_address(parse("-i", "lo", "-b", "192.0.2.1"), net.IPV4)
    with pytest.raises(IPAddressError, match="nope0"):
        daemon_options.bind_address(parse("-i", "nope0"), net.IPV4)


def test_why_it_does_not_start_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert daemon_options.refuse("ganeti-noded", OSError("port taken")) == 1
    assert capsys.readouterr().err == "ganeti-noded: port taken\n"


@pytest.mark.parametrize("port", ["70000", "-1", "ssh", ""])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"--port={port}")
    assert f"'{port}' is no port: 0 to 65535" in capsys.readouterr().err
