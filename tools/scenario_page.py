"""
What does the page of scenarios say? Prints it, from the scenarios themselves, each of them told once.

Run ``python tools/scenario_page.py > docs/howto/scenarios.md`` when a scenario has changed.
"""

import sys
from collections.abc import Iterator

from issuing_disburse.testing import SCENARIOS, Happened, Scenario, scenario

FIGURES = ("funded", "held", "spent", "refunded", "disputed", "covered", "reclaimed", "remaining")

HEAD = """\
# Scenarios for your tests

Each of these is one line in a test, and happens on a simulator through the real `Disburser`:

```python
from issuing_disburse.testing import scenario

with scenario("over_capture") as told:
    assert told.statement.covered.minor == 1_250
    assert [alert.kind for alert in told.alerts] == ["over_capture"]
```

In a suite, the fixture `scenario` does the same, under the policy, the sink and the store of your `issuing_options`:
[test your integration](test-your-integration.md). What comes back has the `order`, its `disbursement`, the
`authorization_ids`, every purchase that was `asked` with Stripe's verdict and your decision, your `decisions` alone,
the `statement`, its `alerts`, the `discrepancies` of a reconciliation, and `simulator` and `disburser` to go on with.
Your own order (`order=`) and your own merchant (`merchant={"category": …}`) keep the story's proportions. A policy that
declines where the story would buy changes the end, and breaks nothing.

Orders are for 125.00. *At the end* is what a statement has that is not zero, under the default policy and the story's
terms. A story without a remark in the last column runs at Stripe's test mode, too, with `--issuing=stripe`; nobody has
run it against the real one yet.

| name | what happens | what comes of it | at the end | not at Stripe, because |
|---|---|---|---|---|
"""


def row_of(found: Scenario, told: Happened) -> str:
    """
    Write one line of the table.
    """
    figures = ", ".join(
        f"{name} {money.minor / 100:.2f}"
        for name in FIGURES
        if (money := getattr(told.statement, name)).minor
    )
    end = f"{told.disbursement.status.value}" + (f": {figures}" if figures else "")
    left = f" Reconciling finds: {', '.join(found.leaves)}." if found.leaves else ""
    cells = (f"`{found.name}`", found.story, found.outcome + left, end, found.not_at_stripe)
    return "| " + " | ".join(cells) + " |"


def page() -> Iterator[str]:
    """
    Write the page.
    """
    yield HEAD
    for name, found in SCENARIOS.items():
        with scenario(name) as told:
            yield row_of(found, told) + "\n"


if __name__ == "__main__":
    sys.stdout.writelines(page())
