# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH keys of the nodes: the master carries the changes to all others."""

from __future__ import annotations

from ganeti.schema.contract import Contract, Timeout, call

Problems = list[tuple[str, str]]
"""Name of a node and what went wrong there."""


class SshCalls(Contract):
    """`authorized_keys` says who may log in, `public_keys` which key is whose."""

    @call(Timeout.FAST)
    def node_ssh_key_add(
        self,
        node_uuid: str,
        node_name: str,
        potential_master_candidates: list[str],
        to_authorized_keys: bool,
        to_public_keys: bool,
        get_public_keys: bool,
    ) -> Problems:
        """Distribute the key of a node."""

    @call(Timeout.FAST)
    def node_ssh_key_remove(
        self,
        node_uuid: str,
        node_name: str,
        master_candidate_uuids: list[str],
        potential_master_candidates: list[str],
        from_authorized_keys: bool,
        from_public_keys: bool,
        clear_authorized_keys: bool,
        clear_public_keys: bool,
        readd: bool,
    ) -> Problems:
        """Take the key of a node away."""


class SshRenewalCalls(Contract):
    """New keys for all nodes at once."""

    @call(Timeout.HOURS_4)
    def node_ssh_keys_renew(
        self,
        node_uuids: list[str],
        node_names: list[str],
        master_candidate_uuids: list[str],
        potential_master_candidates: list[str],
        old_key_type: str,
        new_key_type: str,
        new_key_bits: int,
    ) -> Problems:
        """Make new keys on these nodes and distribute them in place of the old ones."""
