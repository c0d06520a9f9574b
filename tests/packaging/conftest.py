"""The scripts in packaging/ are run as files, so their folder is where they find each other."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "packaging"))
