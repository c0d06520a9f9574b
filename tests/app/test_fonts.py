"""Chinese is shown also where the system has no letters for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
from PySide6.QtGui import QFontDatabase
from app.start import make_application
before = None
import app.start
real = app.start.add_chinese_font
def watched():
    global before
    before = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
    real()
app.start.add_chinese_font = watched
application = make_application()
from app.looking import chinese_font
print(len(before), chinese_font(), sep="|")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have Chinese fonts of their own")
def test_a_system_without_chinese_letters_gets_those_of_heedmap(tmp_path: Path) -> None:
    latin = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    if not latin:
        pytest.skip("no DejaVu here")
    (tmp_path / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{latin[0].parent}</dir><cachedir>{tmp_path}</cachedir></fontconfig>'
    )
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")},
    )
    assert done.stdout.strip() == "0|Noto Sans CJK SC", done.stderr[-2000:]
