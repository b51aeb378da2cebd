# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of instances."""

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.instance import names
from test.support.cluster import a_cluster

CFG = a_cluster().with_nodes("n1").with_instance("web.example.org").build()


def test_normal_form() -> None:
    assert names.normal("WEB.Example.org.") == "web.example.org"


@pytest.mark.parametrize("name", ["", "a b", "a..b", "-;", "x" * 256, "../etc"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(OpPrereqError):
        names.normal(name)


def test_without_lookup_the_name_is_taken_as_it_is() -> None:
    assert names.resolve(CFG, "Web", name_check=False) == names.Found("web", None)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(OpPrereqError) as caught:
        names.resolve(CFG, "no-such-host.invalid", name_check=True)
    assert caught.value.code == "resolver_error"
    assert "no-such-host.invalid" in str(caught.value)


def test_taken_names() -> None:
    names.check_free(CFG, "web")
    with pytest.raises(OpPrereqError) as caught:
        names.check_free(CFG, "web.example.org")
    assert caught.value.code == "already_exists"


def test_the_address_check_needs_the_name_check() -> None:
    with pytest.raises(OpPrereqError):
        names.check_options(name_check=False, ip_check=True)
