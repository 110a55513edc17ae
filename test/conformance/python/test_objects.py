"""Objects and object mounts (API §11, §13)."""

from __future__ import annotations

import os
import tarfile
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
import runloop_api_client as runloop


def test_text_and_bytes_come_back(sdk):
    text = sdk.storage_object.upload_from_text("ü € 𝄞 \r\n", name="text.txt", metadata={"suite": "python"})
    assert text.download_as_text() == "ü € 𝄞 \r\n"
    info = text.refresh()
    assert (info.state, info.content_type, info.metadata) == ("READ_ONLY", "text", {"suite": "python"})
    data = os.urandom(2_000_003)
    blob = sdk.storage_object.upload_from_bytes(data, name="bytes", content_type="binary", ttl=timedelta(hours=1))
    assert blob.download_as_bytes() == data
    assert blob.refresh().size_bytes == len(data)
    for each in (text, blob):
        each.delete()
        assert each.refresh().state == "DELETED"


def test_files_and_directories_are_mounted(sdk, tmp_path):
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "one.txt").write_text("one\n")
    (tmp_path / "file.txt").write_text("file\n")
    tree = sdk.storage_object.upload_from_dir(tmp_path / "tree", name="tree.tgz")
    file = sdk.storage_object.upload_from_file(tmp_path / "file.txt")
    mounts = [
        {"type": "object_mount", "object_id": tree.id, "object_path": "/home/user/tree"},
        {"type": "object_mount", "object_id": file.id, "object_path": "/home/user/mounted/file.txt"},
        {"type": "file_mount", "target": "/home/user/inline.txt", "content": "inline\n"},
    ]
    with sdk.devbox.create(mounts=mounts) as devbox:
        shown = devbox.cmd.exec("cat tree/deep/one.txt mounted/file.txt inline.txt; stat -c %U tree/deep").stdout()
        assert shown == "one\nfile\ninline\nuser\n"
    tree.delete()
    file.delete()


def test_the_upload_url_takes_a_stream_without_a_key(client, tmp_path):
    created = client.objects.create(name="raw", content_type="tar")
    path = tmp_path / "raw.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, arcname="./self.py")
    with path.open("rb") as content:
        request = urllib.request.Request(created.upload_url, data=content, method="PUT")
        request.add_header("Content-Length", str(path.stat().st_size))
        assert urllib.request.urlopen(request).status == 200
    assert client.objects.complete(created.id).state == "READ_ONLY"
    with pytest.raises(runloop.ConflictError):
        client.objects.complete(created.id)
    url = client.objects.download(created.id, duration_seconds=30).download_url
    assert urllib.request.urlopen(url).read() == path.read_bytes()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("signature=", "signature=x"))
    assert created.id in [each.id for each in client.objects.list(name="raw", limit=5).objects]
    client.objects.delete(created.id)
    with pytest.raises(runloop.BadRequestError):
        client.objects.download(created.id)


def test_what_cannot_be_mounted_is_refused(client):
    created = client.objects.create(name="never complete", content_type="text")
    for object_id in (created.id, "obj_31CYd5LLFbBxst8mqnUjZ", "nonsense"):
        mount = {"type": "object_mount", "object_id": object_id, "object_path": "/home/user/x"}
        with pytest.raises(runloop.BadRequestError):
            client.devboxes.create(mounts=[mount])
    client.objects.delete(created.id)
