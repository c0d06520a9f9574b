"""Writes the checksums of finished installers and signs them (Ed25519).

    python packaging/sign.py --new-key FILE             once: a private key, kept outside the project
    python packaging/sign.py DIST_FOLDER [--key FILE]   SHA256SUMS, with a key also SHA256SUMS.sig and the public key

Whoever downloads checks them with sha256sum and OpenSSL 3 alone: packaging/verify-download shows how. The environment
variable HEEDMAP_KEY_PASSPHRASE, where it is set, encrypts a new key and opens an encrypted one.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ROOT = Path(__file__).resolve().parent.parent
SUMS, SIGNATURE, PUBLIC_KEY = "SHA256SUMS", "SHA256SUMS.sig", "heedmap-release.pem"


def new_key(path: Path) -> None:
    """Make a private key (PEM, readable by its owner only); an existing file is never replaced."""
    if path.resolve().is_relative_to(ROOT):
        raise SystemExit(f"{path} lies in the project; a private key does not belong there. Name another place.")
    secret = _passphrase()
    encryption = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as reason:
        raise SystemExit(f"{path} exists already; it is left as it is.") from reason
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    print(f"{path}: keep it secret{'' if secret else ' (it is not encrypted)'}. Publish the key's fingerprint:")
    print(fingerprint(key.public_key()))


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key (DER), as `openssl pkey -pubin -outform DER | sha256sum` prints it."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def write_sums(folder: Path) -> Path:
    """SHA256SUMS of every file in the folder, in the form that `sha256sum --check` reads."""
    own = (SUMS, SIGNATURE, PUBLIC_KEY)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in own)
    if not files:
        raise SystemExit(f"{folder} has no file to sign.")
    # A signature of other sums must not stay beside the new ones.
    (folder / SIGNATURE).unlink(missing_ok=True)
    sums = folder / SUMS
    sums.write_bytes("".join(f"{_sha256(path)}  {path.name}\n" for path in files).encode())
    return sums


def sign(sums: Path, key: Ed25519PrivateKey) -> None:
    """Write the signature of `sums` and the public key beside it."""
    (sums.parent / SIGNATURE).write_bytes(key.sign(sums.read_bytes()))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (sums.parent / PUBLIC_KEY).write_bytes(public)


def read_key(path: Path) -> Ed25519PrivateKey:
    """Raises SystemExit where the file is no Ed25519 key or the passphrase does not open it."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), _passphrase())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as reason:
        raise SystemExit(f"{path} cannot be read as a private key: {reason}") from reason
    if not isinstance(key, Ed25519PrivateKey):
        raise SystemExit(f"{path} is not an Ed25519 key. Make one with --new-key.")
    return key


def _passphrase() -> bytes | None:
    return os.environ.get("HEEDMAP_KEY_PASSPHRASE", "").encode() or None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Writes the checksums of finished installers and signs them.")
    parser.add_argument("folder", type=Path, nargs="?", help="the folder with the finished installers")
    parser.add_argument("--key", type=Path, help="the private key; without it nothing is signed")
    parser.add_argument("--new-key", type=Path, metavar="FILE", help="make a private key in FILE and stop")
    options = parser.parse_args(arguments)
    if options.new_key:
        new_key(options.new_key)
        return
    if options.folder is None or not options.folder.is_dir():
        parser.error("name the folder with the finished installers")
    key = read_key(options.key) if options.key else None
    sums = write_sums(options.folder)
    if key is None:
        print(f"{sums}: not signed, no key was given (--key).")
        return
    sign(sums, key)
    print(f"{sums}: signed. Fingerprint of the key: {fingerprint(key.public_key())}")


if __name__ == "__main__":
    main(sys.argv[1:])
