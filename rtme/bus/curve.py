"""Keys: who may listen to a service, and how a client knows that it is that service (ZeroMQ's CURVE).

A folder holds all of it, in TOML that a person can read: ``server.secret`` and ``client.secret`` (one secret key each; the
public one follows from it), ``allowed.toml`` (clients that may listen: name = public key) and ``trusted.toml`` (services
that this client believes: host = public key). A service and a client that use the same folder know each other.
"""

import contextlib
import ipaddress
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IMODE
from typing import Annotated, Any

import zmq
from platformdirs import user_config_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from zmq.utils import z85

from rtme.bus.address import is_loopback, shown, split
from rtme.errors import BusError

SERVER, CLIENT = "server.secret", "client.secret"
ALLOWED, TRUSTED = "allowed.toml", "trusted.toml"

_NAME = r"^[A-Za-z0-9._-]{1,64}$"
_HOST = r"[A-Za-z0-9.:_-]{1,255}"
_HEADERS = {
    SERVER: "The SECRET key of a service. Never copy or send this file: whoever has it can pretend to be the service.",
    CLIENT: "The SECRET key of a client. Never copy or send this file: whoever has it can listen in the client's name.",
    ALLOWED: "Clients that may listen: name = 'public key'. Read at each connection; `rtme keys allow` rewrites it.",
    TRUSTED: "Services that this client believes: host = 'public key'. `rtme keys trust` rewrites it.",
}


def default_folder() -> Path:
    """Where keys are when nobody says otherwise.

    Raises:
        BusError: This user has no such place.
    """
    try:
        return user_config_path("rtme") / "keys"
    except RuntimeError as error:
        raise BusError(
            "this user has no home folder to have keys in: name their folder with --keys"
        ) from error


def checked_key(text: str) -> str:
    """A key in the 40 characters that ZeroMQ writes keys in (Z85).

    Raises:
        ValueError: It is none.
    """
    try:
        raw = z85.decode(text.encode("ascii"))
        if len(raw) == 32 and z85.encode(raw) == text.encode():
            return text
    except Exception:  # z85 raises what it happens on: KeyError, struct.error, ValueError
        pass
    raise ValueError("a key is 40 characters, as `rtme keys show` prints it: mind the quotes around it")


_Key = Annotated[str, AfterValidator(checked_key)]
_Name = Annotated[str, Field(pattern=_NAME)]


class _Secret(BaseModel):
    """What a file with a secret holds."""

    model_config = ConfigDict(extra="forbid")

    secret: _Key
    name: _Name | None = None


def _one_name_each(clients: dict[str, str]) -> dict[str, str]:
    # Else to revoke one name would leave the client in under the other.
    names: dict[str, str] = {}
    for name, key in clients.items():
        if (other := names.setdefault(key, name)) != name:
            raise ValueError(f"{other} and {name} have the same key: leave one of them out")
    return clients


_allowed = TypeAdapter(Annotated[dict[_Name, _Key], AfterValidator(_one_name_each)])
_trusted = TypeAdapter(dict[str, _Key])


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A secret key and the public one that belongs to it, both as text."""

    public: str
    secret: str = field(repr=False)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a client needs to reach one service: its own pair, and the service's public key."""

    own: KeyPair
    service: str


class KeyFolder:
    """The keys of one user or one machine.

    Every method that reads raises a BusError which names the file when it is missing, malformed, or open to others: the
    files with secrets to reading, the lists and the folder to writing.

    Args:
        path: The folder; :func:`default_folder` when None. It need not exist.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = default_folder() if path is None else Path(path).expanduser()

    def has(self, file: str) -> bool:
        """Whether ``SERVER``, ``CLIENT``, … is there."""
        return _is_there(self.path / file)

    def server(self) -> KeyPair:
        """The pair of the service."""
        return self._pair(SERVER)

    def client(self) -> KeyPair:
        """The pair of the client."""
        return self._pair(CLIENT)

    def allowed(self) -> dict[str, str]:
        """Public keys of the clients that were allowed, by name."""
        return self._list(ALLOWED, _allowed)

    def trusted(self) -> dict[str, str]:
        """Public keys of the services that are trusted, by host."""
        return {_plain(host): key for host, key in self._list(TRUSTED, _trusted).items()}

    def who(self, public: str) -> str | None:
        """The name of the client that may listen with this key, or None when none may."""
        if self.has(CLIENT) and (own := self.client()).public == public:
            return own.name or "this folder's own client"
        return next((name for name, key in self.allowed().items() if key == public), None)

    def service_at(self, host: str) -> str:
        """The public key that the service at ``host`` must have.

        Raises:
            BusError: None is known.
        """
        trusted = self.trusted()
        if (known := trusted.get(_plain(host))) is not None:
            return known
        if self.has(SERVER):
            return self.server().public
        raise BusError(
            f"{self.path} holds no key of the service at {host}: ask its owner what `rtme keys show` prints, "
            f"then type `rtme keys trust 'ITS KEY' {host}`; or say `insecure` where that service has no keys"
        )

    def make(self, name: str, *, force: bool = False) -> None:
        """Make both pairs, and the folder.

        Args:
            name: What the client is called where it is allowed.
            force: Replace the secrets that are there. Whoever knew the former keys must be told the new ones.

        Raises:
            BusError: There are secrets already, ``name`` is no name, or the folder cannot be written.
        """
        _check_name(name)
        there = [file for file in (SERVER, CLIENT) if self.has(file)]
        if there and not force:
            raise BusError(
                f"{self.path / there[0]} is there already, and a new key would lock out whoever knows it: "
                "say --force to replace it, or name another folder with --keys"
            )
        for file in (SERVER, CLIENT):
            self._write(file, {"secret": new_pair().secret} | ({"name": name} if file == CLIENT else {}))

    def allow(self, public: str, name: str | None = None) -> str:
        """Let a client in, from its next connection on.

        Args:
            public: The client's public key.
            name: What it is called from now on; ``client-1``, … when None.

        Returns:
            The name.

        Raises:
            BusError: It is no key or no name, or the name belongs to another key.
        """
        _check_key(public)
        allowed = self.allowed()
        known = next((known for known, key in allowed.items() if key == public), None)
        if name is None:
            name = known or next(
                new for n in range(1, len(allowed) + 2) if (new := f"client-{n}") not in allowed
            )
        _check_name(name)
        if allowed.get(name, public) != public:
            raise BusError(
                f"{name} is allowed with another key already: `rtme keys revoke {name}` first, or choose another name"
            )
        if known is not None:
            del allowed[known]
        self._write(ALLOWED, allowed | {name: public})
        return name

    def revoke(self, who: str) -> str:
        """Let a client in no more, from its next connection on.

        Args:
            who: Its name or its public key.

        Returns:
            Its name.

        Raises:
            BusError: No such client is allowed.
        """
        allowed = self.allowed()
        name = next((name for name, key in allowed.items() if who in (name, key)), None)
        if name is None:
            raise BusError(
                f"{who} is not allowed here, neither as a name nor as a key: `rtme keys show` lists who is"
            )
        del allowed[name]
        self._write(ALLOWED, allowed)
        return name

    def trust(self, public: str, host: str) -> str:
        """Believe the service at ``host`` when it has this key, and no other.

        Args:
            public: The service's public key.
            host: Host name or address, or the ``tcp://host:port`` it publishes on.

        Returns:
            The host as it was written down.

        Raises:
            BusError: It is no key, or no host.
        """
        _check_key(public)
        host = _plain(split(host)[0] if "://" in host else host.strip("[]"))
        if re.fullmatch(_HOST, host) is None:
            raise BusError(f"{shown(host)!r} is no host: write a name, an address or tcp://host:port")
        self._write(TRUSTED, self.trusted() | {host: public})
        return host

    def _pair(self, file: str) -> KeyPair:
        path = self.path / file
        if not _is_there(path):
            raise BusError(
                f"there is no {path}: make keys with `rtme keys new`, or name their folder with --keys"
            )
        check_curve()
        try:
            content = _Secret.model_validate(_toml(self._read(path, 0o077, "600")))
        except ValueError:  # its text would repeat what stands in the file
            content = None
        if content is None:
            raise BusError(
                f"{path} holds no key: it must say secret = '…', 40 characters; make a new one with `rtme keys new --force`"
            )
        public = zmq.curve_public(content.secret.encode()).decode()
        return KeyPair(public, content.secret, content.name)

    def _list(self, file: str, kind: TypeAdapter[dict[str, str]]) -> dict[str, str]:
        path = self.path / file
        if not _is_there(path):
            return {}
        try:
            return kind.validate_python(_toml(self._read(path, 0o022, "go-w")))
        except ValidationError as error:
            first = error.errors()[0]
            where = f"{first['loc'][0]}: " if first["loc"] else ""
            raise BusError(f"{path}: {where}{first['msg'].removeprefix('Value error, ')}") from error
        except ValueError as error:
            raise BusError(f"{path} is not valid TOML: {error}") from error

    def _read(self, path: Path, forbidden: int, chmod: str) -> bytes:
        """The bytes of a file that others can neither read (as ``forbidden`` says) nor replace."""
        try:
            self._check_folder()
            with path.open("rb") as file:
                mode = S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except OSError as error:
            raise _unreadable(path, error) from error
        if mode & forbidden:
            verb = "read" if forbidden & 0o044 else "change"
            raise BusError(f"others can {verb} {path} (its mode is {mode:03o}): type `chmod {chmod} {path}`")
        return content

    def _check_folder(self) -> None:
        mode = S_IMODE(self.path.stat().st_mode)
        if mode & 0o022:
            raise BusError(
                f"others can change what is in {self.path} (its mode is {mode:03o}): type `chmod 700 {self.path}`"
            )

    def _write(self, file: str, content: Mapping[str, str]) -> None:
        """Whole or not at all: a service may read it meanwhile."""
        lines = [f"# {_HEADERS[file]}", *(f"\"{name}\" = '{value}'" for name, value in content.items())]
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_folder()
            # A new file of tempfile is 0600 from its first moment on.
            handle, made = tempfile.mkstemp(dir=self.path, prefix=f".{file}-")
            try:
                self._hand_over(handle, file)
                with os.fdopen(handle, "w", encoding="ascii") as new:
                    new.write("\n".join(lines) + "\n")
                    new.flush()
                    os.fsync(new.fileno())
                Path(made).replace(self.path / file)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(made).unlink()
                raise
        except OSError as error:
            raise BusError(f"{self.path / file} cannot be written: {error.strerror}") from error

    def _hand_over(self, handle: int, file: str) -> None:
        """Give a new file the owner of the one it replaces, else the folder's, and a list its mode.

        Root writes what the service of another user reads.
        """
        old = self.path / file
        replaces = _is_there(old)
        model = (old if replaces else self.path).stat()
        with contextlib.suppress(PermissionError):  # only root can give a file away
            os.fchown(handle, model.st_uid, model.st_gid)
        if replaces and file in (ALLOWED, TRUSTED):
            os.fchmod(handle, S_IMODE(model.st_mode))


def server_keys(address: str, keys: Path | str | None = None, *, insecure: bool = False) -> KeyFolder | None:
    """The keys a service on ``address`` uses: those it is given; else, where others can reach it, the default folder's.

    Args:
        address: ``tcp://host:port`` to bind.
        keys: A folder of keys, for any address.
        insecure: Use none though others can reach it.

    Raises:
        BusError: It is no address, ``keys`` and ``insecure`` are both said, or the folder holds no good server key.
    """
    folder = _chosen(address, keys, SERVER, insecure=insecure)
    if folder is not None:
        # What is wrong with a file must be said now, not when the first client comes.
        folder.server()
        folder.who("")
    return folder


def client_keys(address: str, keys: Path | str | None = None, *, insecure: bool = False) -> ClientKeys | None:
    """The keys a client of ``address`` uses, chosen as by :func:`server_keys`.

    Raises:
        BusError: As there, or the key of the service at ``address`` is not known.
    """
    folder = _chosen(address, keys, CLIENT, insecure=insecure)
    return None if folder is None else ClientKeys(folder.client(), folder.service_at(split(address)[0]))


def secure_client(socket: zmq.Socket[Any], keys: ClientKeys) -> None:
    """Give a socket the keys of a client. Before it connects."""
    check_curve()
    socket.curve_publickey = keys.own.public.encode()
    socket.curve_secretkey = keys.own.secret.encode()
    socket.curve_serverkey = keys.service.encode()


def new_pair() -> KeyPair:
    """A new pair of keys.

    Raises:
        BusError: libzmq cannot do it.
    """
    check_curve()
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def check_curve() -> None:
    """Raises a BusError when the installed libzmq knows no keys."""
    if not zmq.has("curve"):
        raise BusError(
            f"the installed libzmq {zmq.zmq_version()} was built without CURVE, so it knows no keys: "
            "the wheels of pyzmq have it, `pip install --force-reinstall --only-binary pyzmq pyzmq`"
        )


def _chosen(address: str, keys: Path | str | None, secret: str, *, insecure: bool) -> KeyFolder | None:
    host, _ = split(address)
    if keys is not None:
        if insecure:
            raise BusError(f"`keys` ({keys}) and `insecure` contradict each other: leave one of them out")
        return KeyFolder(keys)
    if insecure or is_loopback(host):
        return None
    default = KeyFolder()
    return default if default.has(secret) else None


def _plain(host: str) -> str:
    """One way to write each host."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def _is_there(path: Path) -> bool:
    """Raises a BusError where this user cannot know, as in a folder that may not be searched."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    return True


def _unreadable(path: Path, error: OSError) -> BusError:
    return BusError(
        f"{path} cannot be read ({error.strerror}): give the folder to the user that runs this (`chown -R`), "
        "or name another with --keys"
    )


def _toml(content: bytes) -> dict[str, Any]:
    """Raises ValueError when it is none: TOMLDecodeError and UnicodeDecodeError are such."""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _check_key(public: str) -> None:
    try:
        checked_key(public)
    except ValueError as error:
        raise BusError(f"{public!r} is no public key: {error}") from None


def _check_name(name: str) -> None:
    if re.fullmatch(_NAME, name) is None:
        raise BusError(f"{name!r} is no name for a client: write 1 to 64 letters, digits, dots, `-` or `_`")
