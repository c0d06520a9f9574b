"""A stranger checks a download with OpenSSL and sha256sum: what was signed passes, anything else is refused."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import sign

VERIFY = Path(__file__).parents[2] / "packaging" / "verify-download"

needs_openssl = pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("sha256sum") and shutil.which("bash")),
    reason="the check is made with openssl, sha256sum and bash",
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "heedmap_0.1.0_amd64.deb").write_bytes(b"installer" * 1000)
    (folder / "heedmap 0.1.0.tar.zst").write_bytes(b"archive")
    return folder


def key_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    sign.main(["--new-key", str(folder / "release.key")])
    return folder / "release.key", capsys.readouterr().out.splitlines()[-1]


def verify(dist: Path, fingerprint: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", str(VERIFY), str(dist), fingerprint], capture_output=True, text=True, check=False)


@needs_openssl
def test_a_stranger_can_check_a_download(dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, fingerprint = key_file(tmp_path, capsys)
    sign.main([str(dist), "--key", str(key)])
    assert fingerprint in capsys.readouterr().out
    done = verify(dist, fingerprint.upper())
    assert done.returncode == 0, done.stderr
    assert "heedmap_0.1.0_amd64.deb: OK" in done.stdout
    (dist / "heedmap_0.1.0_amd64.deb").unlink()
    assert verify(dist, fingerprint).returncode == 0
    (dist / "heedmap 0.1.0.tar.zst").write_bytes(b"Archive")
    done = verify(dist, fingerprint)
    assert done.returncode == 1
    assert "has changed" in done.stderr


@needs_openssl
def test_other_sums_and_another_key_are_refused(dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, fingerprint = key_file(tmp_path, capsys)
    sign.main([str(dist), "--key", str(key)])
    signature = (dist / sign.SIGNATURE).read_bytes()
    (dist / "heedmap 0.1.0.tar.zst").write_bytes(b"evil")
    sign.write_sums(dist)
    assert "SHA256SUMS.sig is missing" in verify(dist, fingerprint).stderr
    (dist / sign.SIGNATURE).write_bytes(signature)
    assert "does not fit" in verify(dist, fingerprint).stderr
    (tmp_path / "other").mkdir()
    other, _ = key_file(tmp_path / "other", capsys)
    sign.main([str(dist), "--key", str(other)])
    assert "is another key" in verify(dist, fingerprint).stderr


def test_the_key_is_its_owners_and_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, _ = key_file(tmp_path, capsys)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with pytest.raises(SystemExit, match="exists already"):
        sign.new_key(key)
    assert key.read_bytes() == before
    with pytest.raises(SystemExit, match="does not belong there"):
        sign.new_key(sign.ROOT / "packaging" / "release.key")


def test_a_passphrase_locks_the_key(tmp_path: Path, dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEEDMAP_KEY_PASSPHRASE", "words")
    sign.new_key(tmp_path / "locked.key")
    assert b"ENCRYPTED" in (tmp_path / "locked.key").read_bytes()
    sign.main([str(dist), "--key", str(tmp_path / "locked.key")])
    monkeypatch.setenv("HEEDMAP_KEY_PASSPHRASE", "other words")
    with pytest.raises(SystemExit, match="cannot be read as a private key"):
        sign.read_key(tmp_path / "locked.key")


def test_without_a_key_there_are_sums_and_an_old_signature_is_gone(
    dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (dist / sign.SIGNATURE).write_bytes(b"of something else")
    sign.main([str(dist)])
    assert "not signed" in capsys.readouterr().out
    assert not (dist / sign.SIGNATURE).exists()
    names = [line.split("  ")[1] for line in (dist / sign.SUMS).read_text(encoding="utf-8").splitlines()]
    assert names == ["heedmap 0.1.0.tar.zst", "heedmap_0.1.0_amd64.deb"]
