"""Agents (API §14) and what is mounted at creation (API §11)."""

from __future__ import annotations

import uuid

import pytest
import runloop_api_client as runloop

from conftest import only_before_3

UNKNOWN = "agt_31CYd5LLFbBxst8mqnUjZ"


@only_before_3
def test_a_whole_life(client):
    name = f"made-up-{uuid.uuid4()}"
    source = {"type": "pip", "pip": {"package_name": "made-up", "agent_setup": ["echo hello"]}}
    created = client.agents.create(name=name, version="1.0", source=source)
    assert created.id.startswith("agt_")
    assert (created.name, created.version, created.is_public) == (name, "1.0", False)
    assert created.source.pip.agent_setup == ["echo hello"]
    assert client.agents.retrieve(created.id).id == created.id
    assert [agent.id for agent in client.agents.list(name=name)] == [created.id]
    client.agents.delete(created.id)
    with pytest.raises(runloop.NotFoundError):
        client.agents.retrieve(created.id)
    assert "claude-code" in [agent.name for agent in client.agents.list_public(limit=2)]
    assert client.agents.devbox_counts().total_count >= 0


@only_before_3
def test_unknown_ones(client):
    with pytest.raises(runloop.NotFoundError):
        client.agents.retrieve(UNKNOWN)
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.create(mounts=[{"type": "agent_mount", "agent_id": UNKNOWN, "agent_name": None}])


def test_a_code_mount(sdk, repository):
    mounts = [
        {
            "type": "code_mount",
            "repo_owner": "python",
            "repo_name": repository,
            "token": None,
            "install_command": "cp README.md installed",
        }
    ]
    with sdk.devbox.create(mounts=mounts) as box:
        assert box.file.read(file_path=f"/home/user/{repository}/installed") == "hello\n"
        head = box.cmd.exec(f"git -C {repository} log --oneline | wc -l")
        assert head.stdout().strip() == "1"
