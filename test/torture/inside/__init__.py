# SPDX-License-Identifier: GPL-2.0-or-later
"""What the torture runs inside of a host. Needs only the installed product."""
