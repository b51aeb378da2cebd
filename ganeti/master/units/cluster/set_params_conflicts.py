# SPDX-License-Identifier: GPL-2.0-or-later
"""What speaks against new settings of the cluster: the configuration before and after, compared.

Pure functions. `check` raises OpPrereqError; `warnings` are texts for the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ganeti.errors import Code, OpPrereqError
from ganeti.master.units.instance import nics
from ganeti.model import ipolicy, templates
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.params.hv import registry
from ganeti.model.params.nic import NicParams

_DIRECTORIES = (("file", "file_storage_dir"), ("sharedfile", "shared_file_storage_dir"))


class Change(NamedTuple):
    before: Config
    after: Config

    def of(self, *names: str) -> bool:
        """Whether one of the attributes of the cluster differs."""
        return any(
            getattr(self.before.cluster, name) != getattr(self.after.cluster, name)
            for name in names
        )


def check(change: Change) -> None:
    """Everything that can be known without asking a node."""
    _check_hypervisors(change)
    _check_templates(change)
    _check_volume_group(change)
    _check_directories(change)
    if change.of("ipolicy", "enabled_disk_templates"):
        _check_policies(change.after)
    if change.of("nicparams"):
        _check_nics(change.after)
    if change.of("hvparams", "os_hvp", "enabled_hypervisors"):
        _check_hvparams(change)


def warnings(change: Change) -> Iterator[str]:
    cluster = change.after.cluster
    if change.of("ipolicy"):
        broken = sorted(newly_violating(change))
        if broken:
            yield f"these instances violate the new instance policy: {', '.join(broken)}"
    for template, attribute in _DIRECTORIES:
        if change.of(attribute) and template not in cluster.enabled_disk_templates:
            yield f"{attribute} is set, but the disk template {template} is not enabled"


def new_directories(change: Change) -> list[str]:
    """Those of the enabled templates that the nodes may not have yet."""
    old, new = change.before.cluster, change.after.cluster
    return [
        getattr(new, attribute)
        for template, attribute in _DIRECTORIES
        if template in new.enabled_disk_templates
        and (change.of(attribute) or template not in old.enabled_disk_templates)
    ]


def newly_violating(change: Change) -> list[str]:
    """Names of the instances that fitted their groups before and do not any more."""
    return [
        instance.name
        for instance in change.after.instances.values()
        if ipolicy.instance_problems(change.after, instance)
        and not ipolicy.instance_problems(change.before, instance)
    ]


def _gone(before: Iterable[str], after: Iterable[str]) -> set[str]:
    return set(before) - set(after)


def _refuse_used(what: str, users: Iterable[tuple[str, Instance]]) -> None:
    found = list(users)
    if found:
        kinds = ", ".join(sorted({kind for kind, _ in found}))
        names = ", ".join(sorted({instance.name for _, instance in found}))
        raise OpPrereqError(
            f"{what} {kinds} cannot be disabled, instances use it: {names}", Code.WRONG_STATE
        )


def _check_hypervisors(change: Change) -> None:
    gone = _gone(
        change.before.cluster.enabled_hypervisors, change.after.cluster.enabled_hypervisors
    )
    users = ((i.hypervisor, i) for i in change.after.instances.values() if i.hypervisor in gone)
    _refuse_used("hypervisor", users)


def _check_templates(change: Change) -> None:
    gone = _gone(
        change.before.cluster.enabled_disk_templates, change.after.cluster.enabled_disk_templates
    )
    _refuse_used(
        "disk template",
        (
            (kind, instance)
            for instance in change.after.instances.values()
            for kind in _kinds(change.after, instance) & gone
        ),
    )


def _kinds(cfg: Config, instance: Instance) -> set[str]:
    return {disk.dev_type for disk in cfg.disks_of(instance)} or {"diskless"}


def _on_volumes(cluster: Cluster) -> set[str]:
    """The enabled templates that need a volume group."""
    return {n for n in cluster.enabled_disk_templates if templates.TEMPLATES[n].uses_vg}


def _check_volume_group(change: Change) -> None:
    """A volume group and a DRBD helper that are used would have to be looked at on the nodes."""
    cluster, using = change.after.cluster, _on_volumes(change.after.cluster)
    if not using:
        return
    words = ", ".join(sorted(using))
    if not cluster.volume_group_name and change.of("volume_group_name", "enabled_disk_templates"):
        raise OpPrereqError(
            f"the enabled disk templates need a volume group: {words}", Code.WRONG_INPUT
        )
    if change.of("volume_group_name") or using - _on_volumes(change.before.cluster):
        raise OpPrereqError(
            "this release cannot look for a volume group on the nodes, so it takes none for the"
            f" disk templates {words}; disable them or use another template",
            Code.WRONG_INPUT,
        )
    if change.of("drbd_usermode_helper") and "drbd" in using:
        raise OpPrereqError(
            "this release cannot compare the DRBD helper with that of the nodes;"
            " disable the disk template drbd first",
            Code.WRONG_INPUT,
        )


def _check_directories(change: Change) -> None:
    cluster = change.after.cluster
    for template, attribute in _DIRECTORIES:
        wanted = template in cluster.enabled_disk_templates and not getattr(cluster, attribute)
        if wanted and change.of(attribute, "enabled_disk_templates"):
            raise OpPrereqError(
                f"the disk template {template} is enabled and needs a directory: {attribute}",
                Code.WRONG_INPUT,
            )


def _check_policies(cfg: Config) -> None:
    """No policy allows a disk template that is not enabled."""
    owners = [("the cluster", ipolicy.filled(cfg.cluster.ipolicy))]
    owners += [(f"group {g.name}", cfg.ipolicy(g)) for g in cfg.groups.values()]
    for owner, policy in owners:
        wrong = sorted(_gone(policy["disk-templates"], cfg.cluster.enabled_disk_templates))
        if wrong:
            raise OpPrereqError(
                f"the instance policy of {owner} allows disk templates that are not enabled:"
                f" {', '.join(wrong)}; change it as well (--ipolicy-disk-templates)",
                Code.WRONG_INPUT,
            )


def _check_nics(cfg: Config) -> None:
    """The NICs of all instances still make sense."""
    problems = [
        f"instance {instance.name}, NIC {index}: {problem}"
        for instance in cfg.instances.values()
        for index, nic in enumerate(instance.nics)
        for filled in [cfg.nicparams(nic)]
        for problem in (*NicParams.problems(filled), *nics.problems(filled, nic.ip, nic.network))
    ]
    if problems:
        raise OpPrereqError("; ".join(problems), Code.WRONG_INPUT)


def _check_hvparams(change: Change) -> None:
    """The syntax for hypervisors that are enabled or change, for the cluster and for each OS."""
    cfg, before = change.after, change.before.cluster.hvparams
    changed = [n for n, own in cfg.cluster.hvparams.items() if own != before.get(n)]
    for name in dict.fromkeys([*cfg.cluster.enabled_hypervisors, *changed]):
        registry.check_syntax(name, cfg.cluster_hvparams(name))
        for os_name, by_hypervisor in cfg.cluster.os_hvp.items():
            if name in by_hypervisor:
                registry.check_syntax(name, cfg.default_hvparams(name, os_name))
