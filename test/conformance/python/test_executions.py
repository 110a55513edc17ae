"""Executions and shells (API §4, §27)."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
import runloop_api_client as runloop
from conftest import only_before_3, only_from_3


def test_exec_gives_outputs_and_exit_code(devbox):
    result = devbox.cmd.exec("echo out; echo err >&2; exit 42")
    assert (result.exit_code, result.stdout(), result.stderr(), result.success) == (42, "out\n", "err\n", False)


def test_output_is_exact_and_as_streamed(devbox):
    expected = "".join(f"line {index} ü\n" for index in range(1, 1501))
    chunks: list = []
    result = devbox.cmd.exec('for i in {1..1500}; do echo "line $i ü"; done', stdout=chunks.append)
    assert "".join(chunks) == expected
    assert result.stdout() == expected
    assert result.stdout(num_lines=2) == "line 1499 ü\nline 1500 ü"


def test_last_n_and_truncation(client, devbox):
    view = client.devboxes.execute(devbox.id, command="seq 10", command_id=str(uuid.uuid4()), last_n="3")
    assert (view.stdout, view.stdout_truncated) == ("8\n9\n10\n", True)


def test_command_id_runs_once(client, devbox):
    command_id = str(uuid.uuid4())
    for _ in range(3):
        view = client.devboxes.execute(devbox.id, command="echo mark >> marks; wc -l < marks", command_id=command_id)
        assert (view.execution_id, view.stdout) == (command_id, "1\n")


def test_callbacks_come_while_it_runs(devbox):
    seen: list = []
    execution = devbox.cmd.exec_async("for i in 1 2 3; do echo $i; sleep 0.5; done", output=lambda text: seen.append(text))
    deadline = time.monotonic() + 30
    while not seen and time.monotonic() < deadline:
        time.sleep(0.02)
    assert execution.get_state().status == "running"
    assert execution.result().exit_code == 0
    assert "".join(seen) == "1\n2\n3\n"


def test_three_at_once(devbox):
    outputs: dict = {}

    def run(name: str) -> None:
        outputs[name] = devbox.cmd.exec(f"for i in 1 2 3; do echo {name}$i; sleep 0.1; done").stdout()

    threads = [threading.Thread(target=run, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {name: f"{name}1\n{name}2\n{name}3\n" for name in "abc"}


def test_execution_outlasts_a_long_poll(devbox):
    assert devbox.cmd.exec("sleep 28; echo awake").stdout() == "awake\n"


def test_kill(devbox):
    execution = devbox.cmd.exec_async("sleep 600")
    execution.kill()
    assert execution.result().exit_code == 137
    execution.kill()


def test_unknown_execution(client, devbox):
    with pytest.raises(runloop.NotFoundError):
        client.devboxes.executions.retrieve(str(uuid.uuid4()), devbox_id=devbox.id)


def test_streams_replay_and_resume(client, devbox):
    view = client.devboxes.execute(devbox.id, command="seq 100", command_id=str(uuid.uuid4()))
    expected = "".join(f"{number}\n" for number in range(1, 101))
    for offset in (0, 10, len(expected)):
        stream = client.devboxes.executions.stream_stdout_updates(
            view.execution_id, devbox_id=devbox.id, offset=str(offset)
        )
        assert "".join(chunk.output for chunk in stream) == expected[offset:]


@only_from_3
def test_standard_input(devbox):
    execution = devbox.cmd.exec_async("cat; echo ended", attach_stdin=True)
    execution.send_std_in("one\n")
    execution.send_std_in("zwei ü\n")
    execution.close_std_in()
    result = execution.result()
    assert (result.exit_code, result.stdout()) == (0, "one\nzwei ü\nended\n")


def test_standard_input_of_the_raw_client(client, devbox):
    view = client.devboxes.execute_async(devbox.id, command="wc -c", attach_stdin=True)
    for part in ("12345", "67890"):
        answer = client.devboxes.executions.send_std_in(view.execution_id, devbox_id=devbox.id, text=part)
        assert answer.success is True
    assert client.devboxes.executions.send_std_in(view.execution_id, devbox_id=devbox.id, signal="EOF").success
    assert client.devboxes.executions.await_completed(view.execution_id, devbox_id=devbox.id).stdout.strip() == "10"


def test_standard_input_is_refused_when_not_attached(client, devbox):
    view = client.devboxes.execute_async(devbox.id, command="sleep 1; echo alive")
    with pytest.raises(runloop.BadRequestError):
        client.devboxes.executions.send_std_in(view.execution_id, devbox_id=devbox.id, text="x")
    done = client.devboxes.executions.await_completed(view.execution_id, devbox_id=devbox.id)
    assert (done.exit_status, done.stdout) == (0, "alive\n")


@only_before_3
def test_named_shell_keeps_its_state(devbox):
    shell = devbox.shell(f"shell-{uuid.uuid4()}")
    shell.exec("cd /tmp && export A=1 && f() { echo f; }")
    assert shell.exec("pwd; echo $A; f").stdout() == "/tmp\n1\nf\n"
    assert shell.exec("(exit 7)").exit_code == 7
    first = shell.exec_async("sleep 1; echo first")
    second = shell.exec_async("echo second")
    assert second.result().stdout() == "second\n"
    assert first.get_state().status == "completed"


def test_commands_start_in_the_home_in_a_fresh_login_shell(devbox):
    devbox.cmd.exec("cd /tmp; export A=1")
    assert devbox.cmd.exec('pwd; echo "[$A]"; shopt -q login_shell && echo login').stdout() == "/home/user\n[]\nlogin\n"


def test_logs_hold_the_text_under_each_filter(devbox):
    mark = str(uuid.uuid4())
    execution_id = devbox.cmd.exec(f"echo {mark}").execution_id
    for filters in ({}, {"execution_id": execution_id}):
        for _ in range(20):
            messages = [log.message or "" for log in devbox.logs(**filters).logs]
            if any(mark in message for message in messages):
                break
            time.sleep(0.5)
        else:
            pytest.fail(f"{mark} is not in the logs with {filters}")
