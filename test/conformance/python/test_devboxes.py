"""Devboxes (API §3)."""

from __future__ import annotations

import re
import uuid

import pytest
import runloop_api_client as runloop

UNKNOWN = "dbx_31CYd5LLFbBxst8mqnUjZ"


def test_create_runs_and_shows_itself(sdk):
    with sdk.devbox.create(name="shown", metadata={"team": "a"}, environment_variables={"GREETING": "hello ü"}) as box:
        view = box.get_info()
        assert re.fullmatch(r"dbx_[0-9A-Za-z]{21}", view.id)
        assert (view.status, view.name, view.metadata, view.end_time_ms) == ("running", "shown", {"team": "a"}, None)
        assert [step.status for step in view.state_transitions][-1] == "running"
        assert box.cmd.exec("echo $GREETING").stdout() == "hello ü\n"
    assert sdk.api.devboxes.retrieve(box.id).status == "shutdown"


def test_create_answers_before_it_runs(client):
    view = client.devboxes.create()
    assert view.status in {"queued", "provisioning", "initializing", "running"}
    assert client.devboxes.await_running(view.id).status == "running"
    assert client.devboxes.shutdown(view.id).status == "shutdown"
    assert client.devboxes.shutdown(view.id).status == "shutdown"
    assert client.devboxes.retrieve(view.id).shutdown_reason == "api_shutdown"


def test_idempotency_key_makes_one_box(client):
    key = f"create-{uuid.uuid4()}"
    first = client.devboxes.create(idempotency_key=key)
    assert client.devboxes.create(idempotency_key=key).id == first.id
    client.devboxes.shutdown(first.id)


def test_list_is_newest_first_and_pages(client):
    mark = f"py-list-{uuid.uuid4().hex[:8]}"
    ids = [client.devboxes.create(name=f"{mark}-{index}").id for index in range(3)]
    try:
        page = client.devboxes.list(limit=2, extra_query={"search": mark})
        assert [box.id for box in page.devboxes] == [ids[2], ids[1]]
        assert (page.has_more, page.total_count) == (True, 3)
        assert [box.id for box in client.devboxes.list(limit=2, extra_query={"search": mark})] == ids[::-1]
        assert all(box.status == "shutdown" for box in client.devboxes.list(status="shutdown", limit=5).devboxes)
    finally:
        for box_id in ids:
            client.devboxes.shutdown(box_id)


def test_update_is_a_patch(client, devbox):
    before = devbox.get_info().name
    assert client.devboxes.update(devbox.id, metadata={"a": "1"}).name == before
    view = client.devboxes.update(devbox.id, name="renamed")
    assert (view.name, view.metadata) == ("renamed", {"a": "1"})
    assert client.devboxes.update(devbox.id, metadata={}).metadata == {}


def test_waiting_answers_408_when_the_time_is_over(client, devbox):
    with pytest.raises(runloop.APIStatusError) as caught:
        client.post(
            f"/v1/devboxes/{devbox.id}/wait_for_status",
            body={"statuses": ["shutdown"], "timeout_seconds": 0.75},
            cast_to=object,
        )
    assert caught.value.status_code == 408


def test_unknown_boxes(client):
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.retrieve("dbx_nonexistent12345")
    with pytest.raises(runloop.NotFoundError):
        client.devboxes.retrieve(UNKNOWN)


def test_unknown_sources_are_refused(client):
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.create(blueprint_name="no-such-blueprint")
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.create(snapshot_id="snp_31CYd5LLFbBxst8mqnUjZ")


def test_launch_parameters_take_effect(sdk):
    parameters = {
        "resource_size_request": "X_SMALL",
        "keep_alive_time_seconds": 600,
        "launch_commands": ["echo launched > launched"],
        "user_parameters": {"username": "root", "uid": 0},
    }
    with sdk.devbox.create(launch_parameters=parameters, file_mounts={"/root/mounted": "text"}) as box:
        assert box.cmd.exec("id -u; nproc; cat ~/launched ~/mounted").stdout() == "0\n1\nlaunched\ntext"
        assert box.get_info().launch_parameters.resource_size_request == "X_SMALL"


def test_keep_alive_and_usage(client, devbox):
    assert devbox.keep_alive() is not None
    usage = client.devboxes.retrieve_resource_usage(devbox.id)
    assert usage.id == devbox.id and usage.total_elapsed_seconds >= usage.total_active_seconds


def test_wrong_key_is_named_so():
    with runloop.Runloop(bearer_token="ak_wrong", max_retries=0) as stranger:
        with pytest.raises(runloop.AuthenticationError) as caught:
            stranger.devboxes.list()
    assert re.search("unauthorized|invalid|authentication", str(caught.value).lower())


def test_account_and_keys(client):
    me = client.accounts.me()
    created = client.apikeys.create(name="python")
    assert created.key_secret.startswith("ak_")
    with runloop.Runloop(bearer_token=created.key_secret) as second:
        assert second.accounts.me().id == me.id


def test_later_work_answers_501_without_retries(sdk):
    for call in (sdk.network_policy.list, sdk.axon.list):
        with pytest.raises(runloop.InternalServerError) as caught:
            call()
        assert caught.value.status_code == 501
