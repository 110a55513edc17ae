"""Blueprints (API §12)."""

from __future__ import annotations

import pytest
import runloop_api_client as runloop

UNKNOWN = "bpt_31CYd5LLFbBxst8mqnUjZ"


def test_a_whole_life(sdk):
    blueprint = sdk.blueprint.create(
        name="python-blueprint",
        dockerfile="FROM runloop:runloop/starter-x86_64\nENV COLOUR=blue",
        system_setup_commands=["sudo sh -c 'echo built > /built'"],
        metadata={"suite": "python"},
    )
    info = blueprint.get_info()
    assert (info.status, info.state, info.metadata) == ("build_complete", "created", {"suite": "python"})
    logs = blueprint.logs()
    assert logs.blueprint_id == blueprint.id and len(logs.logs) > 0
    assert blueprint.id in [each.id for each in sdk.blueprint.list(name="python-blueprint")]
    with blueprint.create_devbox() as devbox:
        assert devbox.get_info().blueprint_id == blueprint.id
        assert devbox.cmd.exec("cat /built; echo $COLOUR").stdout() == "built\nblue\n"
    with sdk.devbox.create_from_blueprint_name("python-blueprint") as devbox:
        assert devbox.get_info().blueprint_id == blueprint.id
    blueprint.delete()
    assert blueprint.get_info().state == "deleted"


def test_a_service_beside_the_box(sdk):
    image = sdk.blueprint.create(
        name="python-service-image",
        dockerfile='FROM berth:base\nCMD ["python3", "-m", "http.server", "--directory", "/", "8099"]',
        file_mounts={"/served.txt": "from the service"},
    )
    blueprint = sdk.blueprint.create(
        name="python-with-service",
        services=[{"name": "web", "image": image.id, "port_mappings": ["8099:8099"]}],
        launch_parameters={"required_services": ["web"], "isolation": "container"},
    )
    ask = "import urllib.request as r; print(r.urlopen('http://localhost:8099/served.txt').read().decode())"
    with blueprint.create_devbox() as devbox:
        assert devbox.cmd.exec(f'python3 -c "{ask}"').stdout() == "from the service\n"
    blueprint.delete()
    image.delete()


def test_failures(client):
    created = client.blueprints.create(name="broken", system_setup_commands=["exit 3"])
    with pytest.raises(Exception):
        client.blueprints.await_build_complete(created.id)
    assert client.blueprints.retrieve(created.id).failure_reason == "build_failed"
    client.blueprints.delete(created.id)


def test_preview(client):
    preview = client.blueprints.preview(name="x", system_setup_commands=["echo hello"])
    assert preview.dockerfile.startswith("FROM ") and "echo hello" in preview.dockerfile


def test_unknown_ones(client):
    with pytest.raises(runloop.NotFoundError):
        client.blueprints.retrieve(UNKNOWN)
    with pytest.raises(runloop.NotFoundError):
        client.blueprints.delete(UNKNOWN)
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.create(blueprint_id=UNKNOWN)
    with pytest.raises(runloop.BadRequestError):
        client.blueprints.create(name="x", secrets={"A": "no-such-secret"})
