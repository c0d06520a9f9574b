"""Ed25519 signatures of bundles, and the key of this machine's auditor: made at first use, kept in a protected file."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from engine.errors import HeedmapError
from engine.files import make_folder, sha256, write_private

KEY_FILE = "audit-key.pem"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Signature:
    """Who signed (the 32 bytes of the public key, as hexadecimal digits), and the 64 bytes of the signature."""

    key: str
    signature: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key)

    def to_bytes(self) -> bytes:
        """The only form in which a signature is written: any other byte is a change."""
        content = {"version": 1, "algorithm": "Ed25519", "key": self.key, "signature": self.signature}
        return (json.dumps(content, indent=2) + "\n").encode()

    @staticmethod
    def from_bytes(content: bytes) -> Signature | None:
        """The same, read back; None where it is not exactly of that form."""
        try:
            read = json.loads(content)
            found = Signature(read["key"], read["signature"])
            whole = len(bytes.fromhex(found.key)) == 32 and len(bytes.fromhex(found.signature)) == 64
        except (ValueError, KeyError, TypeError):
            return None
        return found if whole and found.to_bytes() == content else None

    def holds(self, content: bytes) -> bool:
        """Whether it is that key's signature of `content`."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key)).verify(bytes.fromhex(self.signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True


def fingerprint(key: str) -> str:
    """What people compare of a public key: 16 bytes of its SHA-256, in groups of four digits."""
    digits = sha256(bytes.fromhex(key))[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def sign(content: bytes, key: Ed25519PrivateKey) -> Signature:
    return Signature(key.public_key().public_bytes_raw().hex(), key.sign(content).hex())


def key_path() -> Path:
    """$HEEDMAP_CONFIG, or the system's place for a user's settings."""
    folder = os.environ.get("HEEDMAP_CONFIG") or platformdirs.user_config_dir("heedmap", appauthor=False)
    return Path(folder) / KEY_FILE


def auditor_key(path: Path | None = None) -> Ed25519PrivateKey:
    """The key in `path` (a PEM file without a password), or this user's own, which is made where there is none.

    HeedmapError where it is missing, not an Ed25519 key, or may be read by other users of the machine.
    """
    own = path is None
    path = path or key_path()
    if not path.is_file():
        if not own:
            raise HeedmapError(f"There is no key at {path}.", "Leave --key away to use, or make, your own.")
        made = Ed25519PrivateKey.generate()
        make_folder(path.parent)
        write_private(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise HeedmapError(f"The key {path} can be read by other users of this machine.", f"Run: chmod 600 '{path}'")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise HeedmapError(
            f"{path} is not a key that can be read.", "Give an Ed25519 key as a PEM file without a password."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise HeedmapError(f"{path} holds a key of another kind.", "Bundles are signed with Ed25519.")
    return key
