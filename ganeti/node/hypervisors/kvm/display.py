# SPDX-License-Identifier: GPL-2.0-or-later
"""What of QEMU's command line a person looks at and types into: VNC, SPICE, video, USB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.utils import net

Hv = Mapping[str, Any]

VNC_BASE_PORT = 5900
_ANYWHERE = ("0.0.0.0", "::")
_USB_DEVICES = {
    "braille": "usb-braille",
    "keyboard": "usb-kbd",
    "mouse": "usb-mouse",
    "tablet": "usb-tablet",
    "wacom-tablet": "usb-wacom-tablet",
}
_SPICE_WORDS = {
    "spice_image_compression": "image-compression",
    "spice_jpeg_wan_compression": "jpeg-wan-compression",
    "spice_zlib_glz_wan_compression": "zlib-glz-wan-compression",
    "spice_streaming_video": "streaming-video",
}
_AGENT = (
    *("-device", "virtio-serial-pci,id=spice"),
    *("-device", "virtserialport,chardev=spicechannel0,name=com.redhat.spice.0"),
    *("-chardev", "spicevmc,id=spicechannel0,name=vdagent"),
)


@dataclass(frozen=True)
class Site:
    """`address`: that of an interface the parameters name, otherwise what they say."""

    address: str
    spice_pem: str
    spice_ca_pem: str


def arguments(instance: Instance, site: Site) -> list[str]:
    """Display and video card."""
    hv = instance.hvparams
    if hv["vnc_bind_address"]:
        shown = _vnc(instance, site)
    elif hv["spice_bind"]:
        shown = _spice(instance, site)
    else:
        shown = ["-display", "none"]
    video = hv["vga"] or ("qxl" if hv["spice_bind"] else "")
    return [*shown, *(["-vga", video] if video else [])]


def _port(instance: Instance) -> int:
    if instance.network_port is None:
        raise HypervisorError(f"instance {instance.name} has no port for its display")
    return instance.network_port


def _vnc(instance: Instance, site: Site) -> list[str]:
    """By address, or by a socket in a directory."""
    hv = instance.hvparams
    if site.address.startswith("/"):
        where = f"unix:{site.address}/{instance.name}.vnc"
    else:
        address = "" if site.address in _ANYWHERE else net.bracketed(site.address)
        where = f"{address}:{_port(instance) - VNC_BASE_PORT}"
    credentials = _vnc_credentials(hv)
    words = [where, *(["password=on"] if hv["vnc_password_file"] else [])]
    words += ["tls-creds=vnctls"] if credentials else []
    return [*credentials, "-vnc", ",".join(words)]


def _vnc_credentials(hv: Hv) -> list[str]:
    if not hv["vnc_tls"]:
        return []
    if not hv["vnc_x509_path"]:
        return ["-object", "tls-creds-anon,id=vnctls,endpoint=server"]
    verify = "on" if hv["vnc_x509_verify"] else "off"
    directory = hv["vnc_x509_path"]
    return [
        "-object",
        f"tls-creds-x509,id=vnctls,dir={directory},endpoint=server,verify-peer={verify}",
    ]


def _spice(instance: Instance, site: Site) -> list[str]:
    hv = instance.hvparams
    words = [f"addr={site.address}"]
    if net.is_ip(site.address):
        words.append("ipv4=on" if net.is_ipv4(site.address) else "ipv6=on")
    if hv["spice_use_tls"]:
        words += [f"tls-port={_port(instance)}", f"x509-cacert-file={site.spice_ca_pem}"]
        words += [f"x509-key-file={site.spice_pem}", f"x509-cert-file={site.spice_pem}"]
        words += [f"tls-ciphers={hv['spice_tls_ciphers']}"]
    else:
        words.append(f"port={_port(instance)}")
    words += [] if hv["spice_password_file"] else ["disable-ticketing=on"]
    words += [f"{word}={hv[name]}" for name, word in _SPICE_WORDS.items() if hv[name]]
    words += [] if hv["spice_playback_compression"] else ["playback-compression=off"]
    words += [] if hv["spice_use_vdagent"] else ["agent-mouse=off"]
    return [*("-spice", ",".join(words)), *(_AGENT if hv["spice_use_vdagent"] else ())]


def pointer(hv: Hv) -> list[str]:
    """The USB controller and the pointer; a tablet goes with VNC."""
    name = hv["usb_mouse"] or ("tablet" if hv["vnc_bind_address"] else "")
    return ["-usb", *(["-device", _usb_device(name)] if name else [])]


def usb_devices(hv: Hv) -> list[str]:
    names = [name for name in hv["usb_devices"].split(",") if name]
    return [word for name in names for word in ("-device", _usb_device(name))]


def _usb_device(name: str) -> str:
    """The device of a name of today or of the old ``-usbdevice``."""
    kind, _, rest = name.partition(":")
    if kind != "host":
        return _USB_DEVICES.get(name, name)
    bus, dot, address = rest.partition(".")
    if dot:
        return f"usb-host,hostbus={bus},hostaddr={address}"
    vendor, _, product = rest.partition(":")
    return f"usb-host,vendorid=0x{vendor},productid=0x{product}"
