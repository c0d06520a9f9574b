"""The table of methods as lines for a terminal."""

from __future__ import annotations

from typing import Any


def table_text(table: dict[str, Any]) -> str:
    """One row per method, the most faithful first; intervals are of a bootstrap over shoppers."""
    lines = [
        f"{table['run']}: {table['explanations']} maps of products among the first ten, seed {table['seed']}.",
        "z: standard deviations better than random order. Falls in units of score, less those of random order.",
        "",
        f"{'method':<24}{'grade':>6}{'z (95 %)':>22}{'beats':>7}{'compr.':>9}{'suff.':>9}{'rank':>8}"
        f"{'infid.':>8}{'sens.':>8}{'ms':>8}",
    ]
    for name, row in table["methods"].items():
        z = row["z"]
        sensitivity = f"{row['max_sensitivity']['mean']:.2f}" if "max_sensitivity" in row else "-"
        lines.append(
            f"{name:<24}{row['grade']:>6}{z['mean']:>8.2f} ({z['low']:>5.2f} to {z['high']:>5.2f})"
            f"{row['beats_random']['mean']:>7.0%}{row['comprehensiveness_less_random']['mean']:>+9.3f}"
            f"{row['sufficiency_less_random']['mean']:>+9.3f}{row['rank_deletion_less_random']['mean']:>+8.3f}"
            f"{row['infidelity']['mean']:>8.2f}{sensitivity:>8}{row['seconds_median'] * 1000:>8.0f}"
        )
    swap = table["uniform_attention"]
    lines += [
        "",
        f"With uniform attention the score changes by {swap['score_change']:.3f} in the mean, and the rank of"
        f" {swap['rank_changed']:.0%} of the products.",
    ]
    return "\n".join(lines)
