# SPDX-License-Identifier: GPL-2.0-or-later
"""Where this installation lies; `make install` writes its own values here."""

PREFIX = "/usr"
SYSCONFDIR = "/etc"
LOCALSTATEDIR = "/var"
