"""
Recordings that must never be saved, made on purpose, and clean ones that look a little like them.
"""

import base64
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import stripe
from attrs import field, frozen

# Put together here, so that no file of ours holds them.
NUMBER = "45395787" + "63621486"
MASTERCARD = "54252334" + "30109903"
AMEX = "374245" + "455400126"
LIVE = "sk_" + "live_" + "51H8abcdefGHIJklmnop"
RESTRICTED = "rk_" + "live_" + "51H8abcdefGHIJklmnop"
EPHEMERAL = "ek_" + "live_" + "YWNjdF8xSDhhYmNkZWY"
SIGNING = "wh" + "sec_" + "0123456789abcdefghijKLMN"

SECRETS = (NUMBER, MASTERCARD, AMEX, LIVE, RESTRICTED, EPHEMERAL, SIGNING)
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TEXT = {"Content-Type": "text/plain"}


@frozen(kw_only=True)
class Recording:
    """
    One request and its answer.
    """

    uri: str = "https://api.stripe.com/v1/things"
    sent_headers: Mapping[str, str] = field(factory=dict)
    sent: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""

    @property
    def request(self) -> dict[str, Any]:
        """
        Return what is sent, as vcrpy's request takes it.
        """
        return {
            "method": "POST",
            "uri": self.uri,
            "headers": dict(self.sent_headers),
            "body": self.sent,
        }

    @property
    def response(self) -> dict[str, Any]:
        """
        Return the answer, as vcrpy keeps it.
        """
        return {
            "status": {"code": 200, "message": "OK"},
            "headers": {name: [value] for name, value in self.headers.items()},
            "body": {"string": self.body},
        }


class Canned(stripe.HTTPClient):
    """
    Answers as a recording says.
    """

    name = "canned"

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer.
        """
        return self._recording.body, 200, dict(self._recording.headers)


def answer(value: Any) -> Recording:
    """
    Answer with JSON.
    """
    return Recording(headers=JSON, body=json.dumps(value).encode())


def text(body: str | bytes) -> Recording:
    """
    Answer with a text, or with bytes.
    """
    return Recording(headers=TEXT, body=body.encode() if isinstance(body, str) else body)


def packed(name: str, body: bytes) -> Recording:
    """
    Answer with a packed body.
    """
    return Recording(headers={**JSON, "Content-Encoding": name}, body=body)


def zipped() -> bytes:
    """
    Return an archive with a number in a file inside.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cards.txt", f"the card is {NUMBER}")
    return file.getvalue()


def multipart(value: str) -> bytes:
    """
    Return a form of parts, one of them a file.
    """
    lines = [
        "--border",
        'Content-Disposition: form-data; name="file"; filename="note.txt"',
        "Content-Type: text/plain",
        "",
        value,
        "--border--",
        "",
    ]
    return "\r\n".join(lines).encode()


_DIGITS = {ord(str(digit)): 0x0660 + digit for digit in range(10)}
_FULL_WIDTH = {ord(str(digit)): 0xFF10 + digit for digit in range(10)}
_MESSAGE = f'{{"message": "declined: {NUMBER}"}}'.encode()

LEAKY: dict[str, Recording] = {
    "a number in a message": answer({"error": {"message": f"Your card {NUMBER} was declined"}}),
    "a number as a number": answer({"reference_no": int(NUMBER)}),
    "a number as the name of a field": answer({NUMBER: True}),
    "a number deep inside": answer({"a": [{"b": {"c": [NUMBER]}}]}),
    "a number in metadata": answer({"metadata": {"note": NUMBER}}),
    "another network's number": answer({"note": MASTERCARD}),
    "a number of fifteen digits": answer({"note": AMEX}),
    "a number in groups": text("4539 " + "5787 " + "6362 " + "1486"),
    "a number with hyphens": text("4539-" + "5787-" + "6362-" + "1486"),
    "a number with no-break spaces": text(
        "\u00a0".join((NUMBER[:4], NUMBER[4:8], NUMBER[8:12], NUMBER[12:]))
    ),
    "a number with dots": text(".".join((NUMBER[:4], NUMBER[4:8], NUMBER[8:12], NUMBER[12:]))),
    "a number digit by digit": text(" ".join(NUMBER)),
    "a number in tags": text(f"<b>{NUMBER[:4]}</b><b>{NUMBER[4:8]}</b><i>{NUMBER[8:]}</i>"),
    "a number with named references": text(
        "&nbsp;".join((NUMBER[:4], NUMBER[4:8], NUMBER[8:12], NUMBER[12:]))
    ),
    "a number with semicolons": text(
        ";".join((NUMBER[:4], NUMBER[4:8], NUMBER[8:12], NUMBER[12:]))
    ),
    "a number in two halves": text(f"{NUMBER[:8]} {NUMBER[8:]}"),
    "a number, underlined": text("".join(f"{one}\u0332" for one in NUMBER)),
    "a number with control characters": text("\x08".join(NUMBER)),
    "a number in bold digits": text("".join(chr(0x1D7CE + int(one)) for one in NUMBER)),
    "a number as a float": answer({"reference_no": float(NUMBER)}),
    "a number hyphenated at the end of a line": text(f"{NUMBER[:9]}-\n{NUMBER[9:]}"),
    "a number in base32": text(base64.b32encode(f"card={NUMBER}".encode())),
    "a number in a document in a text": answer({"raw": json.dumps({"text": f"for {NUMBER}"})}),
    "a number as a list of digits in lines": Recording(
        headers=JSON, body=json.dumps([int(one) for one in NUMBER], indent=8).encode()
    ),
    "a number as a list of digits": answer({"digits": [int(one) for one in NUMBER]}),
    "a number as a list of groups": answer(
        {"groups": [NUMBER[:4], NUMBER[4:8], NUMBER[8:12], NUMBER[12:]]}
    ),
    "a number over two lines": text(f"card {NUMBER[:9]}\n   {NUMBER[9:]} end"),
    "a number over two lines of JSON": answer({"note": f"{NUMBER[:5]}\n{NUMBER[5:]}"}),
    "a number with a soft hyphen": text(f"{NUMBER[:8]}\u00ad{NUMBER[8:]}"),
    "a number with an invisible mark": text(f"{NUMBER[:8]}\u200b{NUMBER[8:]}"),
    "a number in Arabic digits": text(NUMBER.translate(_DIGITS)),
    "a number in full width": answer({"note": NUMBER.translate(_FULL_WIDTH)}),
    "a number in escapes": text("".join(f"\\u{ord(one):04x}" for one in NUMBER)),
    "a number in character references": text("".join(f"&#{ord(one)};" for one in NUMBER)),
    "a number in quoted-printable": text("".join(f"={ord(one):02X}" for one in NUMBER)),
    "a number percent-encoded": text("".join(f"%{ord(one):02X}" for one in NUMBER)),
    "a number percent-encoded twice": text("".join(f"%25{ord(one):02X}" for one in NUMBER)),
    "a number in base64": answer({"blob": base64.b64encode(f"card={NUMBER}".encode()).decode()}),
    "a number in base64 twice": text(base64.b64encode(base64.b64encode(NUMBER.encode()))),
    "a number in base64 in lines": text(
        base64.encodebytes(b"x" * 50 + NUMBER.encode() + b"y" * 60)
    ),
    "a number in hexadecimal": text(NUMBER.encode().hex()),
    "a number with its expiry": text(f"{NUMBER}=2812101"),
    "a number with its expiry, glued": text(f"{NUMBER}1228"),
    "a number after a word": text(f"PAN{NUMBER}CVC"),
    "a number in a file's name": text(f"card_{NUMBER}.pdf"),
    "a number in UTF-16": text(NUMBER.encode("utf-16")),
    "a number in a binary body": Recording(
        headers={"Content-Type": "application/octet-stream"},
        body=b"\x00\xff\xfe\x80" + NUMBER.encode() + b"\x9f\x00\xc3",
    ),
    "a number, gzipped": packed("gzip", gzip.compress(_MESSAGE)),
    "a number, deflated": packed("deflate", zlib.compress(_MESSAGE)),
    "a number, deflated without a head": packed("deflate", zlib.compress(_MESSAGE)[2:-4]),
    "a number, packed twice": packed("gzip, gzip", gzip.compress(gzip.compress(_MESSAGE))),
    "a number, gzipped, and nobody says so": text(gzip.compress(_MESSAGE)),
    "a number, gzipped in base64": answer(
        {"blob": base64.b64encode(gzip.compress(_MESSAGE)).decode()}
    ),
    "a number in the second of two gzip members": packed(
        "gzip", gzip.compress(b"{}") + gzip.compress(_MESSAGE)
    ),
    "a number in a zip archive": text(zipped()),
    "a number in a stream of a PDF": text(
        b"%PDF-1.7\n1 0 obj\nstream\r\n"
        + zlib.compress(NUMBER.encode())
        + b"\nendstream\n%%EOF\xff"
    ),
    "a packing that nobody knows": packed("snappy", b"\xff\x06\x00\x00sNaPpY"),
    "a packing that is cut off": packed("gzip", gzip.compress(_MESSAGE)[:-9]),
    "a number in the address": Recording(uri=f"https://api.stripe.com/v1/cards/{NUMBER}"),
    "a number in the query": Recording(
        uri=f"https://api.stripe.com/v1/cards?q={NUMBER[:4]}%20{NUMBER[4:]}"
    ),
    "a number in a form": Recording(sent_headers=FORM, sent=f"note=call+about+{NUMBER}".encode()),
    "a number in the name of a form's field": Recording(
        sent_headers=FORM, sent=f"a[{NUMBER}]=1".encode()
    ),
    "a number over four fields of a form": Recording(
        sent_headers=FORM,
        sent=f"n1={NUMBER[:4]}&n2={NUMBER[4:8]}&n3={NUMBER[8:12]}&n4={NUMBER[12:]}".encode(),
    ),
    "a number in a file of a form": Recording(
        sent_headers={"Content-Type": "multipart/form-data; boundary=border"},
        sent=multipart(f"about {NUMBER}"),
    ),
    "a number in the JSON that is sent": Recording(
        sent_headers=JSON, sent=json.dumps({"text": f"for {NUMBER}"}).encode()
    ),
    "a number in a header": Recording(headers={"X-Trace": f"card {NUMBER}"}),
    "a number in the name of a header": Recording(headers={f"X-{NUMBER}": "1"}),
    "a live key in a message": answer({"error": {"message": f"Invalid API Key provided: {LIVE}"}}),
    "a restricted live key": answer({"note": RESTRICTED}),
    "a live ephemeral key": answer({"note": EPHEMERAL}),
    "a live key in base64": answer({"blob": base64.b64encode(f"{LIVE}:".encode()).decode()}),
    "a live key in a form": Recording(sent_headers=FORM, sent=f"note={LIVE}".encode()),
    "a live key in a header": Recording(headers={"X-Debug": LIVE}),
    "a live key in the query": Recording(uri=f"https://api.stripe.com/v1/things?k={LIVE}"),
    "a live key, gzipped": packed("gzip", gzip.compress(LIVE.encode())),
    "a live key over two lines": text(f"{LIVE[:10]}\\\n    {LIVE[10:]}"),
    "a signing secret in a note": answer({"note": SIGNING}),
    "a signing secret in a form": Recording(sent_headers=FORM, sent=f"hint={SIGNING}".encode()),
    "a signing secret in a binary body": text(b"\xff\x00" + SIGNING.encode()),
    "a live key behind an escaped line end": text(f"the key is:\\n{LIVE}"),
    "a live key behind a colour of a terminal": text(f"\x1b[31m{LIVE}\x1b[0m"),
    "a live key behind an invisible mark": text(f"key\u200b{LIVE}"),
    "a live key with escaped underlines": text(LIVE.replace("_", "\\_")),
    "a live key in base64 of UTF-16": text(base64.b64encode(LIVE.encode("utf-16-le"))),
    "a signing secret behind an escaped line end": text(f"secret:\\n{SIGNING}"),
    "a number as a magnetic stripe holds it": text(f"{NUMBER}D28121011234567890F"),
    "a number as a chip holds it": text(f"5713{NUMBER}D2812101123456789F9F0206"),
    "a number with its CVC, glued": text(f"{NUMBER}837"),
    "a number of fifteen digits with its CVC, glued": text(f"{AMEX}1234"),
    "a number filled up with zeros": answer({"reference": NUMBER.zfill(19)}),
    "a number in scientific notation": text(f"{NUMBER[0]}.{NUMBER[1:]}E15"),
    "a number with commas for thousands": text(f"{int(NUMBER):,}"),
    "a number with narrow spaces for thousands": text(f"{int(NUMBER):,}".replace(",", "\u202f")),
    "a number as a list of bytes": answer({"type": "Buffer", "data": list(NUMBER.encode())}),
    "a number in tags with long attributes": text(
        f"{NUMBER[:4]}<span style='{'a' * 90}'>{NUMBER[4:]}"
    ),
    "a number in octal escapes": text("".join(f"\\{ord(one):03o}" for one in NUMBER)),
    "a number in pairs of hexadecimal digits": text(NUMBER.encode().hex(" ")),
    "a number in groups between escaped tabs": text(f"{NUMBER[:8]}\\t{NUMBER[8:]}"),
    "a number in quoted-printable of UTF-16": text(
        "".join(f"={ord(one):02X}=00" for one in NUMBER)
    ),
    "more packed values than are searched": text(
        b"\n".join(base64.b64encode(f"a harmless value {one}".encode()) for one in range(4_500))
    ),
    "a number behind many streams": text(
        b"%PDF\xff" + b"\x78\x9c\xff\xff" * 80 + zlib.compress(NUMBER.encode()) + b"\xff"
    ),
}

_IDS = {
    "id": "ic_" + NUMBER,
    "balance_transaction": "txn_1" + NUMBER[1:],
    "charge": "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "hash": "8f14e45fceea167a5a36dedd4bea2543f2c1a0d9c3b1e4f5a6d7c8b9e0f1a2b3",
    "uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "fingerprint": "401288" + "8888881881" + "ab0123456789cdef",
}

CLEAN: dict[str, Recording] = {
    "ids with a number's digits": answer(_IDS),
    "times in milliseconds": answer({"sent": 1793610000006, "seen": "1793610000014", "ns": 1793610000000000006}),
    "times in seconds": answer({"created": 1793610000, "expires": [1793610000, 1793613600, 1793617200]}),
    "amounts in a list": answer({"amounts": [4539, 5787, 6362, 1486], "sums": "4539, 5787, 6362, 1486"}),
    "a network's numbers": answer(
        {"network_data": {"transaction_id": "123456789" + "012347", "trace": "123456"},
         "merchant_data": {"network_id": "234567890" + "123459"}}
    ),
    "a test card": answer({"number": "4000009990000013", "cvc": "837", "note": "4242 4242 4242 4242"}),
    "a real number in its own field": answer({"number": NUMBER, "cvc": "837"}),
    "a masked number": answer({"text": "**** **** **** 1486", "last4": "1486", "iin": "453957"}),
    "a masked live key": answer({"message": "Invalid API Key provided: sk_live_****mnop"}),
    "a key of test mode": answer({"message": "Invalid API Key provided: sk_test_" + "51H8abcdef"}),
    "words about keys": answer({"help": "use whsec_… and sk_live_… from the desk_live_chat"}),
    "an endpoint's secret in its own field": answer({"object": "webhook_endpoint", "secret": SIGNING}),
    "an ephemeral key in its own field": answer({"object": "ephemeral_key", "secret": EPHEMERAL}),
    "a number in its own field of a form": Recording(
        sent_headers=FORM, sent=f"card[number]={NUMBER}&card[cvc]=837".encode()
    ),
    "keys in headers": Recording(
        sent_headers={"Authorization": "Bearer sk_test_1", "X-Api-Key": LIVE, "Cookie": f"s={NUMBER}"},
        headers={"Set-Cookie": f"session={NUMBER}"},
    ),
    "a fraction": answer({"rate": 0.4539578763621486, "text": "0." + NUMBER}),
    "phones and dates": text("+1 800 867 5309, 2026-11-02 09:00:00.000, 03/14/1985, 1985-03-14T10:20:30.123456Z"),
    "versions and addresses": text("1.2.3.4 10.20.30.40:5000 2026-10-28.endive 12.34.56.78, 4.2.4.2"),
    "a body that is no text": text(bytes(range(128, 256)) * 4),
    "an empty answer": Recording(),
    "gzip without a secret": packed("gzip", gzip.compress(b'{"id":"ic_1"}')),
    "a bank account": answer({"account_number": "000123456789", "routing_number": "110000000"}),
    "accounts at banks": answer(
        {"iban": "DE89370400440532013000", "other": "ES9121000418450200051332", "text": "GB82WEST12345698765432"}
    ),
    "places and columns": text("56.171234,10.212345\n425012 1793610000\n4250,1793610000\n59.3293, 18.0686"),
    "an account of a cloud": answer({"owner": "560000000002"}),
    "numbers with thousands": text("1,234,567,890 12,345,678,901,234 4,539,578,763 1.234.567,89"),
    "a test card as other systems write it": text(f"{4000009990000013:,} 4000009990000013D28121011234567890F"),
    "escapes and dumps": text("C:\\new\\table \\033[31m 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"),
    "digits behind a digit and a letter": text("4E1234567890123 0A9876543210987"),
    "a list of bytes": answer({"data": [0, 255, 17, 4, 200, 31, 9, 88, 120, 3, 64, 7, 250]}),
    "zeros": answer({"note": "0000000000000000"}),
}  # fmt: skip
