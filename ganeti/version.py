# SPDX-License-Identifier: GPL-2.0-or-later
"""The version numbers that users, tools and other nodes see."""

RELEASE = "3.0.2"
VCS = "(ganeti classic)"
CONFIG = 3000000
PROTOCOL = 3000000
LUXI = 3000000
OS_API = 20
EXPORT = 0
HOOKS = 2
