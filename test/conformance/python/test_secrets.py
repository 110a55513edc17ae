"""Secrets (API §18, §27)."""

from __future__ import annotations

import pytest
import runloop_api_client as runloop
from conftest import only_from_3


def test_by_name(sdk, client, secret_name):
    secret = sdk.secret.create(secret_name, "hidden-value")
    view = client.secrets.retrieve(secret_name)
    assert view.id.startswith("sec_") and "hidden-value" not in view.to_json()
    assert sdk.secret.list()[0].name == secret_name
    with sdk.devbox.create(secrets={"TOKEN": secret.name}) as box:
        assert box.cmd.exec("printf %s $TOKEN").stdout() == "hidden-value"
    assert secret.update("other") is not None
    with pytest.raises(runloop.BadRequestError):
        client.secrets.create(name=secret_name, value="x")
    sdk.secret.delete(secret)
    with pytest.raises(runloop.NotFoundError):
        client.secrets.retrieve(secret_name)
    assert secret_name not in [one.name for one in sdk.secret.list()]


@only_from_3
def test_by_id(sdk, client, secret_name):
    created = client.secrets.create(name=secret_name, value="x")
    by_id = sdk.secret.from_id(created.id)
    assert by_id.get_info().name == secret_name
    assert by_id.update("y").id == created.id
    assert by_id.delete().id == created.id
    with pytest.raises(runloop.NotFoundError):
        by_id.get_info()
