# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of the commands.

Most follow from the parameters of the opcode that a command submits: name, type, default and help come
from the declaration there, and only a spelling other than ``--the-name`` is written down here. The rest
are declared as options of their own. An option's `dest` is the parameter it fills.
"""

from __future__ import annotations

import copy
import optparse
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from ganeti.cli import parse
from ganeti.errors import UnitParseError
from ganeti.opcodes import base
from ganeti.utils import text


class Option(NamedTuple):
    """One option. `kind` is a type of `PARSERS`, or an action without a value."""

    flags: tuple[str, ...]
    dest: str
    doc: str
    kind: str = "store_true"
    default: Any = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    const: Any = None
    repeat: bool = False


PARSERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "size": text.parse_size,
    "bool": parse.yes_no,
    "words": parse.words,
    "plain_words": parse.plain_words,
    "uid_ranges": parse.uid_ranges,
    "number": lambda word: parse.integer("the value", word),
    "number_or_default": parse.number_or_default,
    "predicates": parse.predicates,
    "key_values": parse.key_values,
    "private_values": parse.key_values,
    "identified": parse.identified,
    "by_name": parse.identified,
    "identified_lists": parse.identified_lists,
}
"""Types with a parser of ours; `optparse` itself knows ``int`` and ``choice``."""
_KEY_VALUE_KINDS = ("by_name", "identified", "key_values")
PRIVATE = "private_values"
"""The kind whose values must not be logged."""


def flag(*flags: str, doc: str, dest: str = "", default: bool = False) -> Option:
    """An option without value that says yes (or no, where the default is yes)."""
    kind = "store_false" if default else "store_true"
    return Option(flags, dest or _dest(flags), doc, kind, default)


def value(
    *flags: str,
    doc: str,
    kind: str = "string",
    dest: str = "",
    default: Any = None,
    metavar: str | None = None,
    choices: tuple[str, ...] = (),
    repeat: bool = False,
) -> Option:
    """An option with a value; with `repeat` it may come often and makes a list."""
    if repeat and default is None:
        default = []
    return Option(flags, dest or _dest(flags), doc, kind, default, metavar, choices, repeat=repeat)


def constant(flag_: str, dest: str, const: Any, doc: str) -> Option:
    """One of several options that set the same destination; the last one counts."""
    return Option((flag_,), dest, doc, "store_const", None, const=const)


def _dest(flags: tuple[str, ...]) -> str:
    return flags[-1].lstrip("-").replace("-", "_")


class Spelling(NamedTuple):
    """How a parameter's option is written where that does not follow from its name."""

    flags: tuple[str, ...]
    kind: str | None = None
    metavar: str | None = None


def _spelt(*flags: str, kind: str | None = None, metavar: str | None = None) -> Spelling:
    return Spelling(flags, kind, metavar)


SPELLINGS: dict[str, Spelling] = {
    "add_uids": _spelt("--add-uids", kind="uid_ranges"),
    "allow_runtime_changes": _spelt("--no-runtime-changes"),
    "beparams": _spelt("-B", "--backend-parameters"),
    "candidate_pool_size": _spelt("-C", "--candidate-pool-size"),
    "default_iallocator": _spelt("-I", "--default-iallocator", metavar="NAME"),
    "diskparams": _spelt("-D", "--disk-parameters"),
    "disk_state": _spelt("--disk-state", kind="by_name"),
    "disk_template": _spelt("-t", "--disk-template", metavar="TEMPLATE"),
    "drained": _spelt("-D", "--drained"),
    "drbd_helper": _spelt("--drbd-usermode-helper"),
    "enabled_user_shutdown": _spelt("--user-shutdown"),
    "ext_params": _spelt("-e", "--ext-params"),
    "file_driver": _spelt("--file-driver", metavar="DRIVER"),
    "force": _spelt("-f", "--force"),
    "group": _spelt("-g", "--node-group", metavar="GROUP"),
    "group_name": _spelt("-g", "--node-group", metavar="GROUP"),
    "hv_state": _spelt("--hypervisor-state", kind="by_name"),
    "hvparams": _spelt("-H", "--hypervisor-parameters"),
    "iallocator": _spelt("-I", "--iallocator", metavar="NAME"),
    "ignore_errors": _spelt("-I", "--ignore-errors", metavar="CODE"),
    "ignore_offline_nodes": _spelt("--ignore-offline"),
    "interruptible": _spelt("-i", "--interruptible"),
    "mac_prefix": _spelt("-m", "--mac-prefix", metavar="PREFIX"),
    "master_candidate": _spelt("-C", "--master-candidate"),
    "master_netmask": _spelt("--master-netmask", kind="number"),
    "mode": _spelt("--migration-mode"),
    "ndparams": _spelt("--node-parameters"),
    "nicparams": _spelt("-N", "--nic-parameters"),
    "offline": _spelt("-O", "--offline"),
    "on_master": _spelt("--no-master"),
    "on_nodes": _spelt("-n", metavar="NODE"),
    "os_name": _spelt("-o", "--os-type", metavar="OS"),
    "os_type": _spelt("-o", "--os-type", metavar="OS"),
    "osparams": _spelt("-O", "--os-parameters"),
    "osparams_private": _spelt("--os-parameters-private"),
    "osparams_secret": _spelt("--os-parameters-secret"),
    "pnode": _spelt("--new-primary", metavar="NODE"),
    "powered": _spelt("--node-powered"),
    "reboot_type": _spelt("-t", "--type", metavar="REBOOT"),
    "remote_node": _spelt("-n", "--node", metavar="NODE"),
    "remove_uids": _spelt("--remove-uids", kind="uid_ranges"),
    "repeat": _spelt("-r", "--repeat"),
    "reserved_lvs": _spelt("--reserved-lvs", kind="words"),
    "runtime_mem": _spelt("-m", "--runtime-memory", kind="size", metavar="SIZE"),
    "secondary_ip": _spelt("-s", "--secondary-ip", metavar="ADDRESS"),
    "startup_paused": _spelt("--paused"),
    "static": _spelt("-s", "--static"),
    "target_node": _spelt("-n", "--target-node", metavar="NODE"),
    "uid_pool": _spelt("--uid-pool", kind="uid_ranges"),
    "verbose": _spelt("-v", "--verbose"),
    "verify_clutter": _spelt("--verify-ssh-clutter"),
}


def of_parameter(opcode: type[base.OpCode], name: str) -> Option:
    """The option that follows from the declaration of a parameter."""
    base.resolved(opcode)
    parameter = opcode.PARAMETERS[name]
    default = parameter.offer if parameter.default is base.REQUIRED else parameter.initial()
    spelling = SPELLINGS.get(name) or Spelling((_long_flag(name, default),))
    kind, choices, repeat = _shape(parameter.annotation, default)
    kind = PRIVATE if parameter.disclosure() else spelling.kind or kind
    repeat = repeat or kind == "by_name"
    return Option(
        spelling.flags,
        name,
        f"Switch off: {parameter.doc}" if kind == "store_false" else parameter.doc,
        kind,
        [] if repeat else default,
        spelling.metavar or _METAVARS.get(kind),
        choices,
        repeat=repeat,
    )


_METAVARS = {
    "bool": "yes|no",
    "by_name": "NAME:KEY=VALUE,...",
    "int": "N",
    "key_values": "KEY=VALUE,...",
    "plain_words": "A,B,...",
    "private_values": "KEY=VALUE,...",
    "string": "TEXT",
    "uid_ranges": "LOW-HIGH,...",
    "words": "A,B,...",
}


def _long_flag(name: str, default: Any) -> str:
    return ("--no-" if default is True else "--") + name.replace("_", "-")


def _shape(annotation: Any, default: Any) -> tuple[str, tuple[str, ...], bool]:
    """Kind, choices and whether it repeats, from the type of a parameter."""
    inner = _bare(annotation)
    origin, args = typing.get_origin(inner), typing.get_args(inner)
    if inner is bool:
        return {None: "bool", True: "store_false", False: "store_true"}[default], (), False
    if origin is Literal:
        return "choice", tuple(sorted(args)), False
    if origin is list:
        if default is None:
            return "plain_words", (), False
        kind, choices, _ = _shape(args[0], None)
        return kind, choices, True
    if origin is dict:
        of_dicts = typing.get_origin(args[1]) is dict
        return ("by_name" if of_dicts else "key_values"), (), of_dicts
    return {int: "int", float: "float"}.get(inner, "string"), (), False


def _bare(annotation: Any) -> Any:
    """The type without null and conditions."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (one,) = (a for a in typing.get_args(annotation) if a is not type(None))
        return _bare(one)
    return annotation


SUBMIT = (
    flag("--submit", dest="submit_only", doc="Submit the job and do not wait for it"),
    flag("--print-jobid", doc="Print the job's number first"),
)
DRY_RUN = flag("--dry-run", doc="Only check the prerequisites")
PRIORITIES = {"low": 10, "normal": 0, "high": -10}
PRIORITY = value(
    "--priority",
    doc="Priority of the job",
    kind="choice",
    metavar="low|normal|high",
    choices=tuple(PRIORITIES),
)
JOB = (*SUBMIT, DRY_RUN, PRIORITY)
"""What nearly all commands take that submit jobs."""

FORCE = flag("-f", "--force", doc="Do not ask; do it although something speaks against it")
VERBOSE = flag("-v", "--verbose", doc="Say more; long words in place of marks in tables")

ALWAYS = (
    Option(("-d", "--debug"), "debug", "Log more, on the terminal too", "count", 0),
    value("--reason", doc="Why, for the reason trail of the jobs"),
)


def _check(option: optparse.Option, flag_: str, word: str) -> Any:
    """Sizes and numbers are refused by the parser, the other forms as wrong parameters."""
    try:
        return PARSERS[str(option.type)](word)
    except (UnitParseError, ValueError) as err:
        raise optparse.OptionValueError(f"option {flag_}: {err}") from None


class _TypedOption(optparse.Option):
    TYPES = (*optparse.Option.TYPES, *PARSERS)
    TYPE_CHECKER = {**optparse.Option.TYPE_CHECKER, **dict.fromkeys(PARSERS, _check)}


def _for_optparse(option: Option) -> optparse.Option:
    given: dict[str, Any] = {
        "dest": option.dest,
        "help": option.doc,
        "default": copy.copy(option.default),
    }
    if option.kind in ("store_true", "store_false", "count"):
        given["action"] = option.kind
    elif option.kind == "store_const":
        given.update(action=option.kind, const=option.const)
    else:
        given.update(type=option.kind, metavar=option.metavar)
        if option.choices:
            given["choices"] = option.choices
        if option.repeat:
            given["action"] = "append"
    return _TypedOption(*option.flags, **given)


def read(
    prog: str, usage: str, about: str, options: Sequence[Option], argv: list[str]
) -> tuple[optparse.Values, list[str]]:
    """Options and arguments of a command; options end where the first argument stands."""
    parser = optparse.OptionParser(
        prog=prog, usage=usage, description=about, formatter=optparse.TitledHelpFormatter()
    )
    parser.disable_interspersed_args()
    parser.add_options([_for_optparse(o) for o in (*ALWAYS, *options)])
    values, args = parser.parse_args(argv)
    for option in options:
        if option.kind == "by_name":
            setattr(values, option.dest, parse.by_name(getattr(values, option.dest)))
    if any(getattr(values, option.dest) for option in options if option.kind in _KEY_VALUE_KINDS):
        from ganeti.cli import typed

        typed.enforce(values)
    return values, args
