"""Key files: what is written, what is refused, and that no secret is ever told."""

import os
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE

import pytest
import zmq
from hypothesis import example, given
from hypothesis import strategies as st
from zmq.utils import z85

from fuzzing import fuzzed, given_inputs
from rtme.bus.curve import (
    ALLOWED,
    CLIENT,
    SERVER,
    TRUSTED,
    KeyFolder,
    client_keys,
    default_folder,
    server_keys,
)
from rtme.errors import BusError

keys_of_zeromq = st.binary(min_size=32, max_size=32).map(lambda raw: z85.encode(raw).decode())
A, B, C = (z85.encode(bytes([n]) * 32).decode() for n in (1, 2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(tmp_path / "keys")
    made.make("desk")
    return made


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_new_keys_are_a_pair_each_and_for_the_owner_alone(folder: KeyFolder) -> None:
    assert folder.server().public != folder.client().public
    assert folder.client().name == "desk"
    for pair in (folder.server(), folder.client()):
        assert zmq.curve_public(pair.secret.encode()).decode() == pair.public
    assert mode(folder.path) == 0o700
    assert {mode(file) for file in folder.path.iterdir()} == {0o600}
    assert {file.name for file in folder.path.iterdir()} == {SERVER, CLIENT}, "nothing is left lying about"


def test_no_umask_opens_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = KeyFolder(tmp_path / "keys")
        folder.make("desk")
        folder.allow(A)
    finally:
        os.umask(before)
    assert mode(folder.path) == 0o700
    assert {mode(file) for file in folder.path.iterdir()} == {0o600}


def test_a_list_that_is_changed_keeps_its_mode_and_a_secret_does_not(folder: KeyFolder) -> None:
    folder.allow(A)
    (folder.path / ALLOWED).chmod(0o644)
    folder.allow(B)
    assert mode(folder.path / ALLOWED) == 0o644
    (folder.path / SERVER).chmod(0o644)
    folder.make("desk", force=True)
    assert mode(folder.path / SERVER) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write what belongs to others")
def test_what_root_changes_still_belongs_to_the_user_of_the_service(folder: KeyFolder) -> None:
    for path in (folder.path, *folder.path.iterdir()):
        os.chown(path, 54_321, 54_322)
    folder.allow(A)
    folder.allow(B)
    folder.revoke(A)
    folder.trust(C, "192.0.2.7")
    folder.make("desk", force=True)
    owners = {file.name: (file.stat().st_uid, file.stat().st_gid) for file in folder.path.iterdir()}
    assert owners == dict.fromkeys([SERVER, CLIENT, ALLOWED, TRUSTED], (54_321, 54_322))


@pytest.mark.parametrize("kept", [SERVER, CLIENT])
def test_a_secret_that_is_there_is_kept_until_force_is_said(folder: KeyFolder, kept: str) -> None:
    before = (folder.path / kept).read_bytes()
    (folder.path / ({SERVER, CLIENT} - {kept}).pop()).unlink()
    with pytest.raises(BusError, match=rf"{kept}.*--force"):
        folder.make("other")
    assert (folder.path / kept).read_bytes() == before
    assert len(list(folder.path.iterdir())) == 1, "and the other one is not made"
    folder.make("other", force=True)
    assert (folder.path / kept).read_bytes() != before
    assert folder.client().name == "other"


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o602, 0o644, 0o610])
@pytest.mark.parametrize("file", [SERVER, CLIENT])
def test_a_secret_that_others_can_reach_is_refused(folder: KeyFolder, file: str, bits: int) -> None:
    path = folder.path / file
    path.chmod(bits)
    with pytest.raises(BusError, match=f"chmod 600 {path}"):
        folder.server() if file == SERVER else folder.client()
    path.chmod(0o400)
    assert folder.server()
    assert folder.client()


@pytest.mark.parametrize("bits", [0o620, 0o602])
def test_a_list_that_others_can_change_is_refused(folder: KeyFolder, bits: int) -> None:
    folder.allow(A)
    path = folder.path / ALLOWED
    path.chmod(bits)
    with pytest.raises(BusError, match=f"change {path}.*chmod go-w {path}"):
        folder.allowed()
    path.chmod(0o644)
    assert folder.allowed() == {"client-1": A}, "it is no secret"


def test_a_folder_that_others_can_change_is_refused(folder: KeyFolder) -> None:
    folder.path.chmod(0o770)
    doings: list[Callable[[], object]] = [folder.server, folder.client, lambda: folder.allow(A)]
    for do in doings:
        with pytest.raises(BusError, match=f"chmod 700 {folder.path}"):
            do()
    folder.path.chmod(0o755)
    assert folder.server()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user and root again")
def test_a_folder_that_may_not_be_searched_is_named(folder: KeyFolder) -> None:
    os.seteuid(54_321)
    try:
        for read in (folder.server, folder.client, folder.allowed, lambda: folder.has(SERVER)):
            with pytest.raises(BusError, match=rf"{folder.path}.*Permission denied.*chown"):
                read()
    finally:
        os.seteuid(0)


def test_allow_and_revoke(folder: KeyFolder) -> None:
    assert folder.allow(A) == "client-1"
    assert folder.allow(B, "door.pc") == "door.pc"
    assert folder.allow(C) == "client-2"
    assert folder.allow(A) == "client-1", "allowed twice is allowed once"
    assert folder.allow(A, "hall") == "hall", "and may get a better name"
    assert folder.allowed() == {"door.pc": B, "client-2": C, "hall": A}
    with pytest.raises(BusError, match="revoke hall"):
        folder.allow(B, "hall")
    assert folder.who(B) == "door.pc"
    assert folder.revoke("door.pc") == "door.pc"
    assert folder.revoke(C) == "client-2"
    assert (folder.who(B), folder.who(C), folder.who(A)) == (None, None, "hall")
    with pytest.raises(BusError, match="rtme keys show"):
        folder.revoke("door.pc")


def test_a_client_of_the_same_folder_needs_no_word(folder: KeyFolder) -> None:
    assert folder.who(folder.client().public) == "desk"
    assert folder.service_at("127.0.0.1") == folder.server().public


def test_a_key_under_two_names_is_refused_since_to_revoke_one_would_not_help(folder: KeyFolder) -> None:
    (folder.path / ALLOWED).write_text(f"a = '{A}'\nb = '{A}'\n")
    with pytest.raises(BusError, match="a and b have the same key"):
        folder.allowed()


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("tcp://192.0.2.7:5556", "192.0.2.7"),
        ("Camera.Local", "camera.local"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:0db8:0::7", "2001:db8::7"),
        ("tcp://[2001:db8::7]:5556", "2001:db8:0:0::7"),
    ],
)
def test_a_trusted_service_is_found_however_its_host_is_written(
    folder: KeyFolder, host: str, asked: str
) -> None:
    folder.trust(A, host)
    assert folder.service_at(asked) == A
    folder.trust(B, asked)
    assert list(folder.trusted().values()) == [B], "one key a host"


@pytest.mark.parametrize("host", ["", "a b", 'a"b', "a\nb", "tcp://host", "ipc://x", "ho\\st", "x" * 300])
def test_what_is_no_host_cannot_be_trusted(folder: KeyFolder, host: str) -> None:
    with pytest.raises(BusError):
        folder.trust(A, host)
    assert folder.trusted() == {}


def test_a_service_that_is_not_known_is_asked_for(folder: KeyFolder) -> None:
    (folder.path / SERVER).unlink()
    with pytest.raises(BusError, match=r"rtme keys trust .* 192\.0\.2\.7"):
        folder.service_at("192.0.2.7")


@pytest.mark.parametrize("name", ["", "a b", "a'b", "ä", "x" * 65, "a\n"])
def test_what_is_no_name_is_refused(folder: KeyFolder, name: str) -> None:
    with pytest.raises(BusError, match="no name"):
        folder.allow(A, name)
    with pytest.raises(BusError, match="no name"):
        folder.make(name, force=True)


def test_which_keys_are_used_where(folder: KeyFolder) -> None:
    home = KeyFolder()
    assert home.path == default_folder()
    assert server_keys("tcp://0.0.0.0:1") is None, "there are none yet"
    home.make("home")
    try:
        used = server_keys("tcp://0.0.0.0:1")
        assert used is not None
        assert used.path == home.path
        assert server_keys("tcp://127.0.0.1:1") is None
        assert client_keys("tcp://[::1]:1") is None
        assert server_keys("tcp://0.0.0.0:1", insecure=True) is None
        given = server_keys("tcp://127.0.0.1:1", folder.path)
        assert given is not None
        assert given.path == folder.path
        far = client_keys("tcp://192.0.2.7:1")
        assert far is not None
        assert far.own == home.client()
        with pytest.raises(BusError, match="contradict"):
            server_keys("tcp://0.0.0.0:1", folder.path, insecure=True)
    finally:
        for file in home.path.iterdir():
            file.unlink()


def test_an_empty_folder_that_was_named_is_no_reason_to_go_without(tmp_path: Path) -> None:
    with pytest.raises(BusError, match="rtme keys new"):
        server_keys("tcp://127.0.0.1:1", tmp_path)
    with pytest.raises(BusError, match="rtme keys new"):
        client_keys("tcp://127.0.0.1:1", tmp_path)


def test_a_libzmq_without_curve_is_named(folder: KeyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    # No such libzmq can be installed beside this one.
    monkeypatch.setattr(zmq, "has", lambda feature: feature != "curve")
    with pytest.raises(BusError, match="built without CURVE"):
        folder.server()
    with pytest.raises(BusError, match="built without CURVE"):
        folder.make("desk", force=True)


def test_a_reader_never_meets_half_a_list(folder: KeyFolder) -> None:
    folder.allow(A, "kept")
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            folder.allow(B, "comes")
            folder.revoke("comes")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            assert folder.who(A) == "kept"
    finally:
        over.set()
        writer.join(30)


def no_secret_in(error: BusError, secret: str) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if secret in str(seen) or secret in repr(seen):
            return False
        seen = seen.__cause__ or seen.__context__
    return True


@pytest.mark.parametrize(
    "spoiled",
    [
        "secret = '{}x'",
        "secret = '{}",
        "secret = ['{}']",
        "public = '{}'",
        "secret = '{}'\nmore = 1",
        "{}",
        "",
    ],
)
def test_a_malformed_secret_names_the_file_and_keeps_the_secret(folder: KeyFolder, spoiled: str) -> None:
    secret = folder.server().secret
    assert secret not in repr(folder.server())
    path = folder.path / SERVER
    path.write_text(spoiled.format(secret))
    with pytest.raises(BusError, match=SERVER) as caught:
        folder.server()
    assert no_secret_in(caught.value, secret)


def outcome(read: Callable[[], object]) -> tuple[object, str | None]:
    """What it gave, or the sentence it was refused with."""
    try:
        return read(), None
    except BusError as error:
        return None, str(error)


file_texts = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(str.encode),
    st.tuples(st.text(max_size=10), st.text(max_size=50)).map(
        lambda pair: f"{pair[0]} = '{pair[1]}'".encode()
    ),
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9._-]{1,10}", fullmatch=True),
        keys_of_zeromq | st.text("ab#'~", max_size=42),
        max_size=4,
    ).map(lambda lines: "\n".join(f"\"{name}\" = '{key}'" for name, key in lines.items()).encode()),
)


@fuzzed(0.1)
@given(content=file_texts)
@example(b"[" * 100_000)
@example(b"\xff\xfe")
@example(b"secret = '" + b"#" * 40 + b"'")
def test_whatever_a_file_holds_it_is_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    given_inputs["key files"] += 1
    folder = KeyFolder(tmp_path_factory.mktemp("any"))
    folder.path.chmod(0o700)
    reads: list[tuple[str, Callable[[], object]]] = [
        (SERVER, folder.server),
        (CLIENT, folder.client),
        (ALLOWED, folder.allowed),
        (TRUSTED, folder.trusted),
    ]
    for file, read in reads:
        path = folder.path / file
        path.write_bytes(content)
        path.chmod(0o600)
        found, refusal = outcome(read)
        if refusal is not None:
            assert str(path) in refusal
        elif isinstance(found, dict):
            assert found == {
                name.lower() if file == TRUSTED else name: key
                for name, key in tomllib.loads(content.decode()).items()
            }
            assert all(len(z85.decode(key.encode())) == 32 for key in found.values())


@given(key=keys_of_zeromq, name=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True))
@example(key="-0000" * 8, name="-")
@example(key="0####" * 8, name=".")
def test_what_was_allowed_or_trusted_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, key: str, name: str
) -> None:
    folder = KeyFolder(tmp_path_factory.mktemp("any") / "keys")
    folder.allow(key, name)
    folder.trust(key, name)
    assert folder.allowed() == {name: key}
    assert folder.who(key) == name
    assert folder.service_at(name) == key


@given(text=st.text(max_size=45) | st.text("abcXYZ019#~!", min_size=40, max_size=40))
def test_what_is_no_key_is_never_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = KeyFolder(tmp_path_factory.mktemp("any") / "keys")
    try:
        folder.allow(text)
    except BusError:
        assert folder.allowed() == {}
    else:
        assert z85.encode(z85.decode(text.encode())).decode() == text
