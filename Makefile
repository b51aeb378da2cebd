# SPDX-License-Identifier: GPL-2.0-or-later
# `make help` lists the targets. Each installs what it needs on a fresh Debian 12 or 13.

DESTDIR ?=
PREFIX ?= /usr
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var

SBINDIR = $(PREFIX)/sbin
LIBDIR = $(PREFIX)/lib/ganeti
PYTHONDIR = $(PREFIX)/share/ganeti
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/ganeti

PYTHON = /usr/bin/python3
VENV = build/venv
BIN = $(VENV)/bin
LAB = tools/ganeti-lab
KILLS ?= 20
BENCH ?=

# What runs the product, what runs the lab, what makes the virtual environment.
RUN_PACKAGES = python3 python3-openssl python3-h11 python3-simplejson python3-pyinotify \
	python3-pycurl python3-paramiko python3-cryptography python3-regex iproute2 iputils-arping ndisc6 \
	openssh-client socat
LAB_PACKAGES = openssh-server qemu-system-x86 cpio lz4 xz-utils zstd nftables \
	e2fsprogs kmod mount strace util-linux
DEV_PACKAGES = python3-venv
MAN_PACKAGES = python3-docutils

# Programs that the daemons and the commands run on a node, in the library directory.
NODE_TOOLS = $(addprefix tools/,kvm-ifup node-daemon-setup prepare-node-join \
	ssh-update ssl-update)

.PHONY: help check format lint types layers fast test hosts demo demo-shell demo-down bench torture \
	fuzz-confd fuzz-noded goldens install man clean run-packages lab-packages dev-packages man-packages

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run-packages:
	@tools/need-packages $(RUN_PACKAGES)

lab-packages:
	@tools/need-packages $(RUN_PACKAGES) $(LAB_PACKAGES)

dev-packages:
	@tools/need-packages $(RUN_PACKAGES) $(DEV_PACKAGES)

man-packages:
	@tools/need-packages $(RUN_PACKAGES) $(MAN_PACKAGES)

$(VENV)/.done: test/requirements.txt | dev-packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r test/requirements.txt
	@touch $@

check: format lint types layers fast  ## format, lint, types, import rule, fast tests (under 2 minutes)

format: $(VENV)/.done
	$(BIN)/ruff format --check --quiet .

lint: $(VENV)/.done
	$(BIN)/ruff check --quiet .

types: $(VENV)/.done
	$(BIN)/mypy

layers: $(VENV)/.done
	$(BIN)/lint-imports --no-logo

fast: $(VENV)/.done
	$(BIN)/python -m pytest
	$(PYTHON) -B tools/smoke-imports

test: check hosts  ## check, then real daemons and guests on hosts made of namespaces (root)

hosts: $(VENV)/.done lab-packages
	$(BIN)/python -m pytest test/hosts

demo: lab-packages  ## three hosts become a cluster with a real guest (root)
	$(PYTHON) -B -m test.lab.demo

demo-shell: lab-packages  ## a shell on the demo's first host
	$(LAB) --name demo shell node1

demo-down: lab-packages  ## end the demo
	$(LAB) --name demo down

bench: lab-packages  ## the figures of the budgets, as JSON; BENCH=key runs one
	$(PYTHON) -B -m test.bench $(BENCH)

torture: lab-packages  ## kill the master KILLS= times under load: is anything lost? (root)
	$(PYTHON) -B -m test.torture KILLS=$(KILLS) SEED=$(SEED) SABOTAGE=$(SABOTAGE)

fuzz-confd: lab-packages  ## PACKETS=1000000 broken packets to a confd: does it stand them? SEED=
	PACKETS=$(PACKETS) SEED=$(SEED) $(PYTHON) -B -m test.fuzz.confd_packets

fuzz-noded: lab-packages  ## BODIES=100000 broken requests to the handlers of a node: do they stand them? SEED= (root)
	BODIES=$(BODIES) SEED=$(SEED) unshare --net $(PYTHON) -B -m test.fuzz.rpc_bodies

goldens: $(VENV)/.done  ## write the golden files again; review the difference
	$(BIN)/python -m pytest --goldens-write

man: man-packages  ## the manual pages, into build/man
	COLUMNS=72 $(PYTHON) -B -m man.build build/man

# The placeholders are the four lines of daemons/daemon-util and its like that name a prefix, the paths of
# the units for systemd, the line of a launcher that finds the package, and ganeti/layout.py.
RELOCATE = sed -e 's|^PREFIX=/usr$$|PREFIX=$(PREFIX)|' -e 's|^SYSCONFDIR=/etc$$|SYSCONFDIR=$(SYSCONFDIR)|' \
	-e 's|^LOCALSTATEDIR=/var$$|LOCALSTATEDIR=$(LOCALSTATEDIR)|' \
	-e 's|^PREFIX = "/usr"$$|PREFIX = "$(PREFIX)"|' -e 's|^SYSCONFDIR = "/etc"$$|SYSCONFDIR = "$(SYSCONFDIR)"|' \
	-e 's|^LOCALSTATEDIR = "/var"$$|LOCALSTATEDIR = "$(LOCALSTATEDIR)"|' \
	-e 's|^\(Exec[A-Za-z]*\)=/usr/|\1=$(PREFIX)/|' \
	-e 's|^ConditionPathExists=/var/|ConditionPathExists=$(LOCALSTATEDIR)/|' \
	-e 's|^sys.path.insert(0, .*$$|sys.path.insert(0, "$(PYTHONDIR)")|' -e '1s|^\#!/usr/bin/python3|\#!$(PYTHON)|'

define place  # $(1) sources, $(2) directory, $(3) mode
	install -d $(DESTDIR)$(2)
	for f in $(1); do $(RELOCATE) $$f > $(DESTDIR)$(2)/$$(basename $$f) && \
		chmod $(3) $(DESTDIR)$(2)/$$(basename $$f) || exit 1; done
endef

install: run-packages  ## DESTDIR= PREFIX=/usr SYSCONFDIR=/etc LOCALSTATEDIR=/var
	install -d $(DESTDIR)$(PYTHONDIR)
	find ganeti -name '*.py' -exec install -D -m 644 {} $(DESTDIR)$(PYTHONDIR)/{} \;
	$(RELOCATE) ganeti/layout.py > $(DESTDIR)$(PYTHONDIR)/ganeti/layout.py
	$(PYTHON) -m compileall -q -s "$(DESTDIR)" $(DESTDIR)$(PYTHONDIR)
	$(call place,daemons/gnt-* daemons/ganeti-*,$(SBINDIR),755)
	$(call place,$(wildcard daemons/daemon-util daemons/ensure-dirs $(NODE_TOOLS)),$(LIBDIR),755)
	$(call place,$(wildcard tools/confd-client tools/master-ip-setup tools/kvm-console-wrapper),$(LIBDIR)/tools,755)
	$(call place,daemons/init.d/ganeti,$(SYSCONFDIR)/init.d,755)
	$(call place,doc/examples/ganeti.default,$(SYSCONFDIR)/default,644)
	mv $(DESTDIR)$(SYSCONFDIR)/default/ganeti.default $(DESTDIR)$(SYSCONFDIR)/default/ganeti
	$(call place,$(wildcard daemons/systemd/*),$(PREFIX)/lib/systemd/system,644)
	$(call place,README COPYING,$(DOCDIR),644)
	$(call place,$(wildcard build/man/*.7),$(MANDIR)/man7,644)
	$(call place,$(wildcard build/man/*.8),$(MANDIR)/man8,644)
	install -d $(DESTDIR)$(SYSCONFDIR)/ganeti/hooks $(DESTDIR)$(SYSCONFDIR)/ganeti/scripts

clean:  ## remove what was built
	rm -rf build
