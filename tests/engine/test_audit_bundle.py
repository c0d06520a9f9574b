"""Bundles: every changed byte is found and named, wherever the bundle lies; what was measured can be measured again."""

from __future__ import annotations

import json
import math
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scipy import stats

from engine.audit.bundle import MANIFEST, SIGNATURE, open_bundle, seal, zip_of
from engine.audit.check import Figure, Measured, Threshold, judged
from engine.audit.difference import difference
from engine.audit.plan import Plan
from engine.audit.recompute import recompute
from engine.audit.run import audit, result_file
from engine.audit.signing import Signature, auditor_key, fingerprint, sign
from engine.audit.verify import Verified, known_key, verify
from engine.cli import main
from engine.errors import HeedmapError
from engine.jobs import finish
from engine.recommend import Recommender

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PLAN = Plan(only=("data.whole",))


def check(path: Path, signer: str = "") -> Verified:
    found: Verified = finish(verify(open_bundle(path), signer))
    return found


@pytest.fixture(scope="module")
def sealed(opened: Callable[..., Recommender], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audits") / "bundle"
    finish(audit(opened(), PLAN, out, KEY, languages=()))
    return out


@pytest.fixture
def bundle(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "another place"))


def test_signatures_are_those_of_the_standard() -> None:
    """RFC 8032, section 7.1, test 2."""
    private = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    made = sign(b"\x72", Ed25519PrivateKey.from_private_bytes(private))
    assert made.key == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert made.signature == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert made.holds(b"\x72")
    assert not made.holds(b"\x73")
    assert Signature.from_bytes(made.to_bytes()) == made
    assert Signature.from_bytes(made.to_bytes() + b" ") is None


def test_a_bundle_holds_in_another_folder_and_as_a_zip(bundle: Path) -> None:
    found = check(bundle)
    assert found.good
    assert found.signer == fingerprint(KEY.public_key().public_bytes_raw().hex())
    zip_of(bundle, bundle.with_suffix(".zip"))
    assert check(bundle.with_suffix(".zip")) == found
    again = bundle.with_name("again.zip")
    zip_of(bundle, again)
    assert again.read_bytes() == bundle.with_suffix(".zip").read_bytes()


@pytest.mark.parametrize("zipped", [False, True])
def test_any_changed_byte_is_found_and_named(bundle: Path, zipped: bool) -> None:
    random = np.random.default_rng(1)
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    zip_of(bundle, bundle.with_suffix(".zip"))
    for _ in range(60):
        path = bundle.with_suffix(".zip") if zipped else files[int(random.integers(len(files)))]
        content = path.read_bytes()
        at = int(random.integers(len(content)))
        other = content[at] ^ int(random.integers(1, 256))
        path.write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
        try:
            found = check(bundle.with_suffix(".zip") if zipped else bundle)
        except HeedmapError:
            assert zipped or path.name == SIGNATURE  # a zip that opens no more; a second signature
        else:
            assert not found.good, (path, at, other)
            named = {one.file for one in found.faults}
            assert zipped or path.relative_to(bundle).as_posix() in named or path.name == SIGNATURE
        path.write_bytes(content)
    assert check(bundle).good


def test_files_that_were_added_or_taken_away_are_named(bundle: Path) -> None:
    (bundle / "results" / "extra.json").write_text("{}")
    (bundle / "plan.json").unlink()
    assert {(one.file, one.what) for one in check(bundle).faults} == {
        ("results/extra.json", "was added"),
        ("plan.json", "is missing"),
    }


def test_what_is_signed_by_another_is_told(bundle: Path) -> None:
    ours = KEY.public_key().public_bytes_raw().hex()
    assert check(bundle, known_key(ours)).good
    assert check(bundle, known_key(fingerprint(ours))).good
    other = Ed25519PrivateKey.generate()
    seal(bundle, {"title": "", "run": "r", "dataset": "d"}, other)
    assert check(bundle).good  # whole, but not by whom it should be
    assert "another key" in check(bundle, known_key(ours)).faults[0].what
    with pytest.raises(HeedmapError, match="no key"):
        known_key("abc")


def test_unsigned_and_doubly_signed_bundles_are_refused(bundle: Path, tmp_path: Path) -> None:
    signature = (bundle / SIGNATURE).read_bytes()
    (bundle / "signature-2.json").write_bytes(signature)
    with pytest.raises(HeedmapError, match="more than once"):
        check(bundle)
    (bundle / "signature-2.json").unlink()
    (bundle / SIGNATURE).write_text(json.dumps([json.loads(signature)] * 2))
    with pytest.raises(HeedmapError, match="more than one signature"):
        check(bundle)
    (bundle / SIGNATURE).unlink()
    with pytest.raises(HeedmapError, match="not signed"):
        check(bundle)
    (bundle / MANIFEST).unlink()
    with pytest.raises(HeedmapError, match="no audit bundle"):
        check(bundle)
    with pytest.raises(HeedmapError, match="no bundle at"):
        check(tmp_path / "nothing")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(HeedmapError, match="cannot be opened as a zip"):
        check(tmp_path / "text.zip")


def test_the_json_of_a_bundle_is_as_its_schemas_say(bundle: Path) -> None:
    def valid(path: Path, schema: str) -> Any:
        content = json.loads(path.read_text())
        jsonschema.validate(
            content,
            json.loads((bundle / "schema" / f"{schema}.schema.json").read_text()),
            jsonschema.Draft202012Validator,
        )
        return content

    for name in ("plan", "inputs", "environment", "bundle", "signature"):
        valid(bundle / f"{name}.json", name)
    for path in (bundle / "results").iterdir():
        valid(path, "result")
    rows = valid(bundle / "figures.json", "figures")
    assert pq.read_table(bundle / "figures.parquet").to_pylist() == rows
    assert len(rows) == 2


def test_figures_are_measured_again_and_lies_are_found(opened: Callable[..., Recommender], bundle: Path) -> None:
    again, notes = finish(recompute(open_bundle(bundle), opened(), 1.0, seed=1))
    assert notes == ()
    assert [one.agrees for one in again] == [True, True]
    path = result_file(bundle, "data.whole")
    content = json.loads(path.read_text())
    content["figures"][0]["value"] = 3.0
    path.write_text(json.dumps(content))
    seal(bundle, {"title": "", "run": "plain", "dataset": "tiny"}, KEY)  # signed again, so that all hashes hold
    assert check(bundle).good
    again, _ = finish(recompute(open_bundle(bundle), opened(), 1.0, seed=1))
    assert [(one.was, one.now, one.agrees) for one in again] == [(3.0, 0.0, False), (0.0, 0.0, True)]
    with pytest.raises(HeedmapError, match="its weights differ"):
        finish(recompute(open_bundle(bundle), opened(fusion="concat"), 1.0, seed=1))
    with pytest.raises(HeedmapError, match="share of 2"):
        finish(recompute(open_bundle(bundle), opened(), 2.0, seed=1))


def test_the_own_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEEDMAP_CONFIG", str(tmp_path))
    made = auditor_key()
    assert auditor_key().private_bytes_raw() == made.private_bytes_raw()
    path = tmp_path / "audit-key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(HeedmapError, match="other users"):
        auditor_key()
    with pytest.raises(HeedmapError, match="no key at"):
        auditor_key(tmp_path / "none.pem")
    (tmp_path / "bad.pem").write_text("x")
    (tmp_path / "bad.pem").chmod(0o600)
    with pytest.raises(HeedmapError, match="not a key that can be read"):
        auditor_key(tmp_path / "bad.pem")


def test_bundles_are_compared_by_a_normal_test_adjusted_for_all() -> None:
    def result(name: str, *figures: Figure) -> Any:
        asked = (Threshold("auc", at_most=0.6), Threshold("ndcg", at_least=0.1))
        return judged(name, Measured(figures), asked, 1, 9, 1.0)

    before = (
        result("a.b", Figure("auc", 0.70, 0.66, 0.74), Figure("ndcg", 0.20, 0.18, 0.22), Figure("told", 1.0)),
        result("a.gone", Figure("x", 1.0)),
    )
    after = (
        result("a.b", Figure("auc", 0.55, 0.51, 0.59), Figure("ndcg", 0.19, 0.17, 0.21), Figure("told", 2.0)),
        result("a.new", Figure("x", 1.0)),
    )
    found = difference(before, after)
    assert [one.change for one in found.moved] == ["better", "same", "changed"]
    error = math.hypot(0.04, 0.04) / stats.norm.ppf(0.975)
    own = 2 * stats.norm.sf(0.15 / error)
    other = 2 * stats.norm.sf(0.01 / (math.hypot(0.02, 0.02) / stats.norm.ppf(0.975)))
    assert found.moved[0].p == pytest.approx(2 * own, rel=1e-5)  # Holm: the smaller of two counts twice
    assert found.moved[1].p == pytest.approx(max(2 * own, other), rel=1e-5)
    assert found.moved[2].p is None
    assert found.verdicts == {"a.b": ("fail", "pass")}
    assert (found.only_before, found.only_after) == (("a.gone",), ("a.new",))


def test_the_commands_verify_and_compare(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(bundle)]) == 0
    assert "All 14 files are as they were signed" in capsys.readouterr().out
    assert main(["compare-audits", str(bundle), str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["moved"][0]["change"] == "same"
    (bundle / "plan.json").write_text("{}")
    assert main(["verify", str(bundle)]) == 2
    shown = capsys.readouterr()
    assert "plan.json has 2 bytes instead of" in shown.out
    assert "does not hold" in shown.err
    assert main(["compare-audits", str(bundle), str(bundle)]) == 2
    assert main(["verify", str(bundle), "--recompute", "0.1"]) == 2
    assert "needs the run" in capsys.readouterr().err
