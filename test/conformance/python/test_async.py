"""The same through the asynchronous clients."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import runloop_api_client as runloop
from runloop_api_client import AsyncRunloop, AsyncRunloopSDK

pytestmark = pytest.mark.anyio


async def test_a_whole_life():
    async with AsyncRunloopSDK() as sdk:
        async with await sdk.devbox.create(name="async") as box:
            assert (await box.get_info()).status == "running"
            result = await box.cmd.exec("echo out; exit 3")
            assert (result.exit_code, await result.stdout()) == (3, "out\n")
            await box.file.write(file_path="~/file", contents="text")
            assert await box.file.read(file_path="file") == "text"
            data = bytes(range(256)) * 1000
            await box.file.upload(path="/tmp/binary", file=data)
            assert await box.file.download(path="/tmp/binary") == data
        assert (await sdk.api.devboxes.retrieve(box.id)).status == "shutdown"


async def test_many_boxes_and_commands_at_once():
    async with AsyncRunloopSDK() as sdk:
        boxes = await asyncio.gather(*(sdk.devbox.create() for _ in range(4)))
        try:
            runs = await asyncio.gather(*(box.cmd.exec(f"echo {index}") for box in boxes for index in range(8)))
            texts = await asyncio.gather(*(run.stdout() for run in runs))
            assert texts == [f"{index}\n" for _ in boxes for index in range(8)]
        finally:
            await asyncio.gather(*(box.shutdown() for box in boxes))


async def test_streams_while_it_runs():
    async with AsyncRunloopSDK() as sdk:
        async with await sdk.devbox.create() as box:
            seen: list = []
            execution = await box.cmd.exec_async("for i in 1 2 3; do echo $i; echo e$i >&2; sleep 0.3; done", stdout=seen.append)
            result = await execution.result()
            assert (result.exit_code, "".join(seen), await result.stderr()) == (0, "1\n2\n3\n", "e1\ne2\ne3\n")


async def test_waiting_and_refusals():
    async with AsyncRunloop(max_retries=0) as client:
        box = await client.devboxes.create_and_await_running()
        try:
            started = await client.devboxes.execute(
                box.id, command="sleep 2; echo late", command_id=str(uuid.uuid4()), optimistic_timeout=1
            )
            assert started.status == "running"
            done = await client.devboxes.executions.await_completed(started.execution_id, devbox_id=box.id)
            assert done.stdout == "late\n"
            with pytest.raises(runloop.BadRequestError):
                await client.devboxes.read_file_contents(box.id, file_path="missing")
        finally:
            assert (await client.devboxes.shutdown(box.id)).status == "shutdown"
