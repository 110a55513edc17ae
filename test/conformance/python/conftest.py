"""Clients and boxes for the suites; the address of the platform comes from RUNLOOP_BASE_URL and RUNLOOP_API_KEY."""

from __future__ import annotations

import os
import uuid
from typing import Iterator

import pytest
import runloop_api_client
from runloop_api_client import Runloop, RunloopSDK

VERSION = tuple(int(part) for part in runloop_api_client.__version__.split(".")[:2])

only_before_3 = pytest.mark.skipif(VERSION >= (3, 0), reason="removed from the client in 3.0")
only_from_3 = pytest.mark.skipif(VERSION < (3, 0), reason="new in the client 3.0")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sdk() -> Iterator[RunloopSDK]:
    client = RunloopSDK()
    yield client
    client.close()


@pytest.fixture(scope="session")
def client() -> Iterator[Runloop]:
    """Without retries, so that an answer is seen as it was given."""
    with Runloop(max_retries=0) as raw:
        yield raw


@pytest.fixture(scope="module")
def devbox(sdk: RunloopSDK):
    with sdk.devbox.create(name=f"python-{uuid.uuid4()}") as box:
        yield box


@pytest.fixture
def secret_name() -> str:
    return f"xyz-1690000000-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def repository() -> str:
    """Name of a repository of the owner `python` on the git server that stands for GitHub."""
    return os.environ["TEST_REPOSITORY"]
