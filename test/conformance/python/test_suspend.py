"""Suspend, resume and idleness (API §3.6, §3.7)."""

from __future__ import annotations

import pytest
import runloop_api_client as runloop


def test_disk_and_identity_survive(sdk):
    with sdk.devbox.create(name="sleeper", metadata={"team": "red"}) as box:
        box.file.write(file_path="/tmp/kept", contents="kept")
        assert box.suspend().status in {"suspending", "suspended"}
        assert box.await_suspended().status == "suspended"
        assert box.resume().status == "running"
        view = box.get_info()
        assert (view.id, view.name, view.metadata) == (box.id, "sleeper", {"team": "red"})
        assert box.file.read(file_path="/tmp/kept") == "kept"


def test_the_first_look_after_an_asynchronous_resume(client):
    box = client.devboxes.create_and_await_running()
    try:
        client.devboxes.suspend(box.id)
        assert client.devboxes.await_suspended(box.id).status == "suspended"
        client.devboxes.resume(box.id)
        assert client.devboxes.retrieve(box.id).status in {"suspended", "running", "starting", "provisioning"}
        assert client.devboxes.await_running(box.id).status == "running"
        with pytest.raises(runloop.BadRequestError):
            client.devboxes.resume(box.id)
    finally:
        client.devboxes.shutdown(box.id)


def test_an_idle_box_is_suspended(client):
    lifecycle = {
        "after_idle": {"idle_time_seconds": 1, "on_idle": "suspend"},
        "lifecycle_hooks": {"suspend_commands": ["echo bye > /home/user/hook"]},
    }
    box = client.devboxes.create_and_await_running(launch_parameters={"lifecycle": lifecycle})
    try:
        assert client.devboxes.await_suspended(box.id).status == "suspended"
        client.devboxes.resume(box.id)
        client.devboxes.await_running(box.id)
        assert client.devboxes.read_file_contents(box.id, file_path="hook") == "bye\n"
    finally:
        assert client.devboxes.shutdown(box.id).status == "shutdown"
