"""Files (API §5)."""

from __future__ import annotations

import hashlib
import os
import re

import pytest
import runloop_api_client as runloop


@pytest.mark.parametrize("contents", ["", "plain\n", 'ü € 𝄞 \r\n "x" $y'])
def test_text_comes_back(devbox, contents):
    devbox.file.write(file_path="/tmp/text", contents=contents)
    assert devbox.file.read(file_path="/tmp/text") == contents


def test_relative_and_home_paths(devbox):
    devbox.file.write(file_path="relative.txt", contents="r")
    devbox.file.write(file_path="~/tilde.txt", contents="t")
    assert devbox.cmd.exec("cat /home/user/relative.txt /home/user/tilde.txt").stdout() == "rt"


@pytest.mark.parametrize("size", [0, 1, 1_000_003])
def test_binary_comes_back(devbox, tmp_path, size):
    data = os.urandom(size)
    local = tmp_path / "local.bin"
    local.write_bytes(data)
    assert devbox.file.upload(path="bare.bin", file=local) is not None
    assert devbox.file.download(path="/home/user/bare.bin") == data


def test_twenty_megabytes_keep_their_hash(devbox):
    data = os.urandom(1024 * 1024) * 20
    devbox.file.upload(path="/tmp/large", file=data)
    digest = hashlib.sha256(data).hexdigest()
    assert devbox.cmd.exec("sha256sum < /tmp/large").stdout().split()[0] == digest
    assert hashlib.sha256(devbox.file.download(path="/tmp/large")).hexdigest() == digest


@pytest.mark.parametrize(
    ("path", "words"),
    [("/no/such", "does not exist"), ("/tmp", "is a directory"), ("/etc/shadow", "permission denied|os error 13")],
)
def test_errors_say_what_integrations_look_for(client, devbox, path, words):
    with pytest.raises(runloop.BadRequestError) as caught:
        client.devboxes.read_file_contents(devbox.id, file_path=path)
    assert re.search(words, str(caught.value), re.IGNORECASE)
    with pytest.raises(runloop.BadRequestError) as caught:
        client.devboxes.download_file(devbox.id, path=path)
    assert re.search(words, str(caught.value), re.IGNORECASE)
