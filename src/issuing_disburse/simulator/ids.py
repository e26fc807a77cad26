"""
Where do ids, secrets and card numbers come from, so that one seed gives one story?
"""

from base64 import b64encode
from random import Random

from attrs import define, field

TEST_BIN = "400000999"
"""
The first nine digits of every simulated card number: Stripe's own test range for Issuing.
"""

ID_LETTERS = 23
POOL_LETTERS = ID_LETTERS * 128


def luhn_digit(digits: str) -> str:
    """
    Return the check digit that makes *digits* pass the Luhn test.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - two digits are summed
    return str(-total % 10)


@define
class Ids:
    """
    Draw everything that looks random from one seeded generator.
    """

    seed: int
    random: Random = field(init=False)
    pool: str = ""
    used: int = 0

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - repeatable on purpose, secures nothing

    def text(self, size: int) -> str:
        """
        Return *size* letters and digits.
        """
        raw = self.random.randbytes((size * 3 + 3) // 4)
        return b64encode(raw, b"Qz").decode()[:size]

    def new(self, prefix: str) -> str:
        """
        Return a fresh object id in the modern shape, such as ``ic_1NvPjF2SSJdH5vn2OVbE7r0b``.
        """
        start = self.used
        if start + ID_LETTERS > len(self.pool):
            self.pool, start = self.text(POOL_LETTERS), 0
        self.used = start + ID_LETTERS
        return f"{prefix}_1{self.pool[start : self.used]}"

    def account(self) -> str:
        """
        Return a fresh account id, which is shorter than the others.
        """
        return "acct_1" + self.text(15)

    def card_number(self) -> str:
        """
        Return a 16-digit test number that passes the Luhn check.
        """
        digits = f"{TEST_BIN}{self.random.randrange(10**6):06d}"
        return digits + luhn_digit(digits)

    def digits(self, size: int) -> str:
        """
        Return *size* decimal digits.
        """
        return f"{self.random.randrange(10**size):0{size}d}"
