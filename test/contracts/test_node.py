# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls to nodes as they are on the wire: names, order of arguments, how long a caller waits.

A change here is a change of the protocol.
"""

from __future__ import annotations

from ganeti.schema.contract import Call, Contract, Timeout
from ganeti.utils import loading

URGENT, FAST, NORMAL, SLOW, HOURS, DAY = "urgent", "fast", "normal", "slow", "4hrs", "1day"

CALLS = {
    "accept_instance": ("instance info target", NORMAL),
    "all_instances_info": ("hypervisor_list all_hvparams", URGENT),
    "bdev_sizes": ("devices", URGENT),
    "blockdev_addchildren": ("bdev ndevs", NORMAL),
    "blockdev_assemble": ("disk instance on_primary idx", NORMAL),
    "blockdev_close": ("instance_name disks", NORMAL),
    "blockdev_convert": ("bdev_src bdev_dest", SLOW),
    "blockdev_create": ("bdev size owner on_primary info exclusive_storage", NORMAL),
    "blockdev_find": ("disk", NORMAL),
    "blockdev_getdimensions": ("disks", NORMAL),
    "blockdev_getmirrorstatus": ("disks", NORMAL),
    "blockdev_getmirrorstatus_multi": ("node_disks", NORMAL),
    "blockdev_grow": ("cf_bdev amount dryrun backingstore es_flag", NORMAL),
    "blockdev_image": ("bdev image size", SLOW),
    "blockdev_open": ("instance_name disks exclusive", NORMAL),
    "blockdev_pause_resume_sync": ("disks pause", NORMAL),
    "blockdev_remove": ("bdev", NORMAL),
    "blockdev_removechildren": ("bdev ndevs", NORMAL),
    "blockdev_rename": ("devlist", NORMAL),
    "blockdev_setinfo": ("disk info", NORMAL),
    "blockdev_shutdown": ("disk", NORMAL),
    "blockdev_snapshot": ("cf_bdev snap_name snap_size", NORMAL),
    "blockdev_wipe": ("bdev offset size", SLOW),
    "bridges_exist": ("bridges_list", URGENT),
    "drbd_attach_net": ("disks multimaster", NORMAL),
    "drbd_disconnect_net": ("disks", NORMAL),
    "drbd_helper": ("", URGENT),
    "drbd_needs_activation": ("disks", NORMAL),
    "drbd_wait_sync": ("disks", SLOW),
    "etc_hosts_modify": ("mode name ip", NORMAL),
    "export_info": ("path", FAST),
    "export_list": ("", FAST),
    "export_remove": ("export", FAST),
    "export_start": ("opts host port instance component source", NORMAL),
    "extstorage_diagnose": ("", FAST),
    "file_storage_dir_create": ("file_storage_dir", FAST),
    "file_storage_dir_remove": ("file_storage_dir", FAST),
    "file_storage_dir_rename": ("old_file_storage_dir new_file_storage_dir", FAST),
    "finalize_export": ("instance snap_disks", NORMAL),
    "get_file_info": ("file_path", FAST),
    "get_watcher_pause": ("", URGENT),
    "hooks_runner": ("hpath phase env", NORMAL),
    "hotplug_device": ("instance action dev_type device extra seq", NORMAL),
    "hotplug_supported": ("instance", NORMAL),
    "hypervisor_validate_params": ("hvname hvfull", NORMAL),
    "iallocator_runner": ("name idata default_iallocator_params", NORMAL),
    "impexp_abort": ("name", NORMAL),
    "impexp_cleanup": ("name", NORMAL),
    "impexp_status": ("names", FAST),
    "import_start": ("opts instance component dest", NORMAL),
    "instance_balloon_memory": ("instance memory", NORMAL),
    "instance_finalize_migration_dst": ("instance info success", NORMAL),
    "instance_finalize_migration_src": ("instance success live", SLOW),
    "instance_get_migration_status": ("instance", SLOW),
    "instance_info": ("instance hname hvparams", URGENT),
    "instance_list": ("hypervisor_list hvparams", URGENT),
    "instance_migratable": ("instance", NORMAL),
    "instance_migrate": ("cluster_name instance target live", SLOW),
    "instance_os_add": ("instance_osp reinstall debug", DAY),
    "instance_reboot": ("inst reboot_type shutdown_timeout reason", NORMAL),
    "instance_run_rename": ("instance old_name debug", SLOW),
    "instance_shutdown": ("instance timeout reason", NORMAL),
    "instance_start": ("instance_hvp_bep startup_paused reason", NORMAL),
    "jobqueue_keep": ("live archived", NORMAL),
    "jobqueue_purge": ("", NORMAL),
    "jobqueue_rename": ("rename", URGENT),
    "jobqueue_set_drain_flag": ("flag", URGENT),
    "jobqueue_update": ("file_name content", URGENT),
    "jobqueue_update_many": ("files", URGENT),
    "lv_list": ("vg_name", URGENT),
    "master_info": ("", URGENT),
    "master_node_name": ("", URGENT),
    "master_obey": ("name epoch", FAST),
    "master_standing": ("", URGENT),
    "migration_info": ("instance", NORMAL),
    "node_activate_master_ip": ("master_params use_external_mip_script", FAST),
    "node_change_master_netmask": ("old_netmask netmask master_ip master_netdev", FAST),
    "node_configure_ovs": ("ovs_name ovs_link", NORMAL),
    "node_crypto_tokens": ("token_request", SLOW),
    "node_deactivate_master_ip": ("master_params use_external_mip_script", FAST),
    "node_demote_from_mc": ("", FAST),
    "node_ensure_daemon": ("daemon run", URGENT),
    "node_has_ip_address": ("address", FAST),
    "node_info": ("storage_units hv_specs", URGENT),
    "node_leave_cluster": ("modify_ssh_setup", NORMAL),
    "node_powercycle": ("hypervisor hvparams", NORMAL),
    "node_ssh_key_add": (
        "node_uuid node_name potential_master_candidates to_authorized_keys to_public_keys"
        " get_public_keys",
        FAST,
    ),
    "node_ssh_key_remove": (
        "node_uuid node_name master_candidate_uuids potential_master_candidates"
        " from_authorized_keys from_public_keys clear_authorized_keys clear_public_keys readd",
        FAST,
    ),
    "node_ssh_keys_renew": (
        "node_uuids node_names master_candidate_uuids"
        " potential_master_candidates old_key_type new_key_type new_key_bits",
        HOURS,
    ),
    "node_start_master_daemons": ("no_voting", FAST),
    "node_stop_master": ("", FAST),
    "node_verify": ("checkdict cluster_name all_hvparams", NORMAL),
    "node_verify_light": ("checkdict cluster_name hvparams", NORMAL),
    "node_volumes": ("", FAST),
    "os_diagnose": ("", FAST),
    "os_export": ("instance override_env", FAST),
    "os_validate": ("required name checks params force_variant", FAST),
    "restricted_command": ("cmd", SLOW),
    "run_oob": ("oob_program command remote_node timeout", NORMAL),
    "set_watcher_pause": ("until", URGENT),
    "storage_execute": ("su_name su_args name op", NORMAL),
    "storage_list": ("su_name su_args name fields", NORMAL),
    "storage_modify": ("su_name su_args name changes", NORMAL),
    "test_delay": ("duration", "duration"),
    "upload_file": ("file_name", NORMAL),
    "upload_file_single": ("file_name content mode uid gid atime mtime", NORMAL),
    "version": ("", URGENT),
    "vg_list": ("", URGENT),
    "write_ssconf_files": ("values", NORMAL),
    "x509_cert_create": ("validity", NORMAL),
    "x509_cert_remove": ("name", NORMAL),
}
SECONDS = {URGENT: 60, FAST: 300, NORMAL: 900, SLOW: 3600, HOURS: 14400, DAY: 86400}


def calls() -> dict[str, Call]:
    loading.load_all("ganeti.contracts.node")
    return {
        name: call
        for cls in Contract.__subclasses__()
        if cls.__module__.startswith("ganeti.contracts.node")
        for name, call in cls.CALLS.items()
    }


def test_names_and_arguments() -> None:
    found = {name: " ".join(p for p, _ in call.parameters) for name, call in calls().items()}
    assert found == {name: arguments for name, (arguments, _) in CALLS.items()}


def test_how_long_a_caller_waits() -> None:
    for name, call in calls().items():
        if isinstance(call.timeout, Timeout):
            assert call.timeout.value == SECONDS[CALLS[name][1]], name
    assert calls()["test_delay"].timeout_s([7.5]) == 12.5


def test_nodes_marked_offline_are_asked_only_this() -> None:
    asked = {name for name, call in calls().items() if call.even_offline}
    assert asked == {
        *("version", "node_powercycle"),
        *("master_node_name", "master_info", "master_standing", "master_obey"),
    }


def test_with_a_dead_disk_the_machine_can_be_reset() -> None:
    assert {name for name, call in calls().items() if call.from_memory} == {"node_powercycle"}


def test_what_has_effects_that_add_up_is_sent_once() -> None:
    repeatable = {name for name, call in calls().items() if call.repeatable}
    never = {
        *("hooks_runner", "instance_os_add", "instance_run_rename", "blockdev_grow"),
        *("restricted_command", "run_oob", "instance_reboot", "hotplug_device", "test_delay"),
        *("instance_start", "instance_migrate", "blockdev_create", "node_powercycle"),
        *("iallocator_runner", "import_start", "export_start", "x509_cert_create"),
        *("blockdev_snapshot", "blockdev_convert", "storage_execute", "node_ssh_keys_renew"),
    }
    assert not never & repeatable


def test_looking_is_not_fenced() -> None:
    """Whoever votes or reads is answered, and nobody else; `master_obey` does itself what a fence does."""
    free = {name for name, call in calls().items() if not call.fenced}
    assert free == {
        *("version", "master_node_name", "master_info", "master_standing", "master_obey"),
        *("node_info", "node_verify", "node_verify_light"),
        *("node_has_ip_address", "node_stop_master", "bridges_exist", "get_watcher_pause"),
        *("instance_info", "instance_list", "all_instances_info", "hypervisor_validate_params"),
        *("instance_migratable", "migration_info", "instance_get_migration_status"),
        *("hotplug_supported", "blockdev_find", "blockdev_getmirrorstatus"),
        *("blockdev_getmirrorstatus_multi", "blockdev_getdimensions", "get_file_info"),
        *("os_diagnose", "os_validate", "export_list", "export_info", "impexp_status"),
        *("bdev_sizes", "vg_list", "lv_list", "node_volumes", "storage_list"),
        *("extstorage_diagnose", "drbd_helper", "drbd_needs_activation", "drbd_wait_sync"),
    }
