# SPDX-License-Identifier: GPL-2.0-or-later
"""Which files nodes share, and what a comparison of their checksums says. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ganeti.master.verify.findings import Findings
from ganeti.model import ssconf_values
from ganeti.model.config import Config
from ganeti.model.node import Node
from ganeti.paths import Paths

Checksums = Mapping[str, str]


@dataclass(frozen=True)
class SharedFiles:
    """Paths by where they must be; `optional` ones may be missing, but then everywhere."""

    everywhere: frozenset[str]
    optional: frozenset[str]
    candidates: frozenset[str]
    vm_capable: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.everywhere | self.optional | self.candidates | self.vm_capable

    def wanted_on(self, node: Node) -> frozenset[str]:
        wanted = self.everywhere
        if node.master_candidate:
            wanted |= self.candidates
        return wanted

    def allowed_on(self, node: Node) -> frozenset[str]:
        allowed = self.wanted_on(node) | self.optional
        return allowed | self.vm_capable if node.vm_capable else allowed


def shared_files(cfg: Config, paths: Paths) -> SharedFiles:
    """The ancillary files of the cluster; `uploaded` says which of them we distribute."""
    everywhere = {
        paths.server_pem,
        paths.hmac_key,
        paths.cluster_domain_secret,
        paths.known_hosts,
        paths.rapi_pem,
        paths.spice_pem,
        paths.spice_ca_pem,
        *_ssconf(paths),
    }
    if cfg.cluster.modify_etc_hosts:
        everywhere.add(paths.etc_hosts)
    if cfg.cluster.use_external_mip_script:
        everywhere.add(paths.external_master_setup_script)
    return SharedFiles(
        everywhere=frozenset(everywhere),
        optional=frozenset({paths.rapi_users}),
        candidates=frozenset({paths.config_data}),
        vm_capable=frozenset({paths.vnc_password_file, paths.kvm_vif_bridge}),
    )


def _ssconf(paths: Paths) -> frozenset[str]:
    return frozenset(paths.ssconf(key) for key in ssconf_values.VALUES)


def uploaded(cfg: Config, paths: Paths) -> tuple[frozenset[str], frozenset[str]]:
    """What `gnt-cluster redist-conf` sends: to all nodes, and to those that run instances.

    server.pem never travels by call; ssconf and config.data have ways of their own.
    """
    files = shared_files(cfg, paths)
    ours = files.everywhere - {paths.server_pem} - _ssconf(paths)
    return ours | files.optional, files.vm_capable


def check(
    found: Findings,
    files: SharedFiles,
    nodes: Iterable[Node],
    answers: Mapping[str, Checksums],
    master: str,
) -> None:
    """Compare checksums of all nodes that answered, the master's among them; by node UUID."""
    nodes = [node for node in nodes if node.uuid in answers]
    for node in nodes:
        found.error_if(
            not answers[node.uuid], "ENODEFILECHECK", node.name, "it tells no checksums of files"
        )
    for path in sorted(files.all):
        _check_presence(found, files, path, nodes, answers)
        _check_equal(found, path, nodes, answers, master)


def _check_presence(
    found: Findings,
    files: SharedFiles,
    path: str,
    nodes: Collection[Node],
    answers: Mapping[str, Checksums],
) -> None:
    missing = [n.name for n in nodes if path in files.wanted_on(n) and path not in answers[n.uuid]]
    found.error_if(
        missing, "ECLUSTERFILECHECK", "", f"{path} is missing on {', '.join(sorted(missing))}"
    )
    surplus = [n.name for n in nodes if path in answers[n.uuid] and path not in files.allowed_on(n)]
    found.error_if(
        surplus, "ECLUSTERFILECHECK", "", f"{path} should not be on {', '.join(sorted(surplus))}"
    )
    if path in files.optional:
        have = [n.name for n in nodes if path in answers[n.uuid]]
        found.error_if(
            have and len(have) < len(nodes),
            "ECLUSTERFILECHECK",
            "",
            f"{path} is on {', '.join(sorted(have))} but not on all nodes",
        )


def _check_equal(
    found: Findings,
    path: str,
    nodes: Collection[Node],
    answers: Mapping[str, Checksums],
    master: str,
) -> None:
    digests = {n.name: answers[n.uuid][path] for n in nodes if path in answers[n.uuid]}
    right = answers.get(master, {}).get(path)
    wrong = sorted(name for name, digest in digests.items() if digest != right)
    where = "from the master's on" if right else "between nodes:"
    found.error_if(
        len(set(digests.values())) > 1,
        "ECLUSTERFILECHECK",
        "",
        f"{path} differs {where} {', '.join(wrong)}",
    )
