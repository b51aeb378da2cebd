# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages the library for those who want its clients alone; a node is set up by `make install`."""

from setuptools import find_packages, setup

from ganeti import version

setup(
    name="ganeti",
    version=version.RELEASE,
    description="Cluster manager for Xen and KVM, in Ganeti's classic architecture",
    license="GPL-2.0-or-later",
    python_requires=">=3.11",
    packages=find_packages(include=["ganeti", "ganeti.*"]),
    install_requires=[
        "cryptography>=38",
        "h11>=0.14",
        "paramiko>=2.12",
        "pycurl>=7.45",
        "pyinotify>=0.9.6",
        "pyOpenSSL>=23",
        "regex>=2022.10.31",
        "simplejson>=3.18",
    ],
)
