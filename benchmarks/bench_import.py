"""
What does an import cost, and the first decision of a fresh process, beside the SDK's?

One process for each sample, all kinds taking turns; medians of the wall and of processor time, and their
ratios. Prints one JSON object.

    python benchmarks/bench_import.py [--quick]
"""

import argparse
import compileall
import json
import statistics
import subprocess
import sys
from pathlib import Path

from cold_start import COLD, body_and_header

import issuing_disburse

SECRET = "whsec_benchmark"

IMPORTS = {
    "nothing": "",
    "stripe": "import stripe",
    "package": "import issuing_disburse",
    "disburser": "from issuing_disburse import Disburser",
    "every_name": "from issuing_disburse import *",
}
GOALS = {
    "package_to_stripe": 0.5,
    "disburser_to_stripe": 0.5,
    "first_decision_to_stripe": 0.5,
}
"""The most that each ratio may be."""

_FRAME = """
import sys, time
wall, processor = time.perf_counter(), time.process_time()
{code}
wall, processor = time.perf_counter() - wall, time.process_time() - processor
assert "sqlalchemy" not in sys.modules
print(wall * 1e3, processor * 1e3)
"""


def sampled(code: str) -> tuple[float, float]:
    """
    Run *code* in a process of its own, and return the milliseconds of the wall and of the processor.
    """
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", _FRAME.format(code=code)], capture_output=True, check=True, text=True
    )
    wall, processor = done.stdout.split()
    return float(wall), float(processor)


def measured(rounds: int) -> dict[str, dict[str, float]]:
    """
    Return the medians of every kind; one round before is thrown away.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds + 1):
        body, header = body_and_header(SECRET)
        given = f"BODY, HEADER, SECRET = {body!r}, {header!r}, {SECRET!r}\n"
        first = {f"first_decision_{name}": given + code for name, code in COLD.items()}
        for name, code in {**IMPORTS, **first}.items():
            sample = sampled(code)
            if number:
                found.setdefault(name, []).append(sample)
    return {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in samples), 2),
            "processor_ms": round(statistics.median(own for _, own in samples), 2),
        }
        for name, samples in found.items()
    }


def ratios(median: dict[str, dict[str, float]], kind: str) -> dict[str, float]:
    """
    Return what ours costs for each unit of the SDK's, in *kind* of time.
    """
    stripe = median["stripe"][kind]
    return {
        "package_to_stripe": round(median["package"][kind] / stripe, 3),
        "disburser_to_stripe": round(median["disburser"][kind] / stripe, 3),
        "every_name_to_stripe": round(median["every_name"][kind] / stripe, 3),
        "first_decision_to_stripe": round(
            median["first_decision_ours"][kind] / median["first_decision_stripe"][kind], 3
        ),
    }


def main() -> None:
    """
    Measure everything and print it.
    """
    parser = argparse.ArgumentParser(description="What does an import cost?")
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    rounds = 5 if parser.parse_args().quick else 15
    compileall.compile_dir(Path(issuing_disburse.__file__).parent, quiet=2)  # as pip does
    median = measured(rounds)
    wall = ratios(median, "wall_ms")
    goals = [
        {
            "figure": name,
            "measured": wall[name],
            "goal_at_most": most,
            "is_reached": wall[name] <= most,
        }
        for name, most in GOALS.items()
    ]
    print(
        json.dumps(
            {
                "python": sys.version.split()[0],
                "rounds": rounds,
                "median": median,
                "wall": wall,
                "processor": ratios(median, "processor_ms"),
                "goals": goals,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
