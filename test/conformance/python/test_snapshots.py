"""Disk snapshots (API §7)."""

from __future__ import annotations

import pytest
import runloop_api_client as runloop

UNKNOWN = "snp_31CYd5LLFbBxst8mqnUjZ"


def test_a_whole_life(sdk, devbox):
    devbox.file.write(file_path="/tmp/file", contents="kept")
    snapshot = devbox.snapshot_disk(name="ready", commit_message="all in place", metadata={"purpose": "test"})
    info = snapshot.get_info()
    assert info.status == "complete"
    assert (info.snapshot.name, info.snapshot.commit_message) == ("ready", "all in place")
    assert (info.snapshot.metadata, info.snapshot.source_devbox_id) == ({"purpose": "test"}, devbox.id)
    assert info.snapshot.size_bytes > 0
    assert snapshot.id in [each.id for each in sdk.snapshot.list(devbox_id=devbox.id)]
    snapshot.update(name="renamed")
    assert snapshot.get_info().snapshot.name == "renamed"
    with snapshot.create_devbox(name="copy") as copy:
        assert copy.file.read(file_path="/tmp/file") == "kept"
        assert copy.get_info().snapshot_id == snapshot.id
        snapshot.delete()
        assert snapshot.get_info().status == "deleted"
        assert copy.file.read(file_path="/tmp/file") == "kept"


def test_in_the_background(sdk, devbox):
    snapshot = devbox.snapshot_disk_async(name="background")
    assert snapshot.await_completed().status == "complete"
    snapshot.delete()
    snapshot.delete()


def test_unknown_ones(client):
    with pytest.raises(runloop.NotFoundError):
        client.devboxes.disk_snapshots.query_status(UNKNOWN)
    with pytest.raises(runloop.NotFoundError):
        client.devboxes.disk_snapshots.delete(UNKNOWN)
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.create(snapshot_id=UNKNOWN)
