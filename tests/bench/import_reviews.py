"""How fast Amazon reviews are imported, and how much memory that takes: python -m tests.bench.import_reviews 1000000"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from engine.importers import import_dataset
from engine.jobs import finish

TEXT = "soft warm bright sturdy light cheap lovely thin broken good size colour fits well after wash gift zip"
WORDS = TEXT.split()


def write_reviews(path: Path, count: int, seed: int = 7) -> None:
    """Reviews as of 2018, of about the length and spread that the large files have."""
    chance = random.Random(seed)
    shoppers, products = max(10, count // 7), max(5, count // 40)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            seconds = 1_300_000_000 + number * 200
            review = {
                "overall": float(chance.choice((1, 2, 3, 4, 5, 5, 5))),
                "verified": True,
                "reviewTime": time.strftime("%m %d, %Y", time.gmtime(seconds)),
                "reviewerID": f"A{chance.randrange(shoppers):013d}",
                "asin": f"B{int(products * chance.random() ** 2):09d}",
                "style": {"Size:": f" {chance.choice('SML')}", "Color:": f" {chance.choice(WORDS)}"},
                "reviewerName": "A customer",
                "reviewText": " ".join(chance.choices(WORDS, k=chance.randrange(5, 110))),
                "summary": " ".join(chance.choices(WORDS, k=3)),
                "unixReviewTime": seconds,
            }
            file.write(json.dumps(review) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "reviews.json"
        write_reviews(source, count)
        print(f"{count:,} reviews, {source.stat().st_size / 1e6:,.0f} MB of JSON lines")
        before, worked = time.perf_counter(), time.process_time()
        finish(import_dataset("amazon", [source], Path(folder) / "dataset"))
        seconds, worked = time.perf_counter() - before, time.process_time() - worked
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(f"imported in {seconds:.1f} s ({worked:.1f} s of processor), {count / seconds:,.0f} reviews/s")
    print(f"at most {peak:,.0f} MB of memory")


if __name__ == "__main__":
    main()
