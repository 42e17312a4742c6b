"""Invented companies and people: names, addresses, VAT and D-U-N-S numbers, and how they get garbled."""

# ruff: noqa: SIM905  words read better as a paragraph than as a column of quoted words

from dataclasses import dataclass
from random import Random

STEMS = tuple(
    """
    Adler Brandt Falken Hansen Krüger Lindner Meißner Nordwerk Ostermann Pohl Rheinstahl Sturm Talbach
    Uhlmann Vogt Weber Zöller Alpen Bergmann Castell Duval Estève Fournier Garnier Håkon Iversen Janssen
    Kowalski Lefèvre Moretti Novák Olsen Peeters Quandt Rossi Santini Tanaka Ueda Visser Wójcik Yamada
    Zanetti Aster Blackwood Carlton Dunmore Eastfield Granger Hartley Kingsley Langford Northgate Oakham
    Pemberton Redfern Stanhope
    """.split()
)
TRADES = tuple(
    """
    Maschinenbau Antriebstechnik Hydraulik Werkzeuge Anlagenbau Metallbau Fördertechnik Pumpen Ventile
    Getriebe Mécanique Usinage Industrie Costruzioni Officine Engineering Tooling Bearings Castings Controls
    Automation Motors
    """.split()
)
FORMS = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "KG"),
    "AT": ("GmbH", "AG"),
    "CH": ("AG", "Sàrl"),
    "FR": ("SA", "SARL", "SAS"),
    "IT": ("S.p.A.", "S.r.l."),
    "NL": ("B.V.", "N.V."),
    "PL": ("Sp. z o.o.", "S.A."),
    "GB": ("Ltd", "plc"),
    "GR": ("A.E.",),
    "US": ("Inc.", "LLC", "Corp."),
    "JP": ("K.K.",),
}
COUNTRIES = ("DE",) * 10 + ("AT", "CH", "FR", "FR", "IT", "IT", "NL", "PL", "GB", "GB", "GR", "US", "US", "JP")
INDUSTRIES = ("Machinery", "Automotive", "Chemicals", "Energy", "Construction", "Food & Beverage", "Electronics")
FIRST_NAMES = ("Anna", "Jürgen", "Łukasz", "Zoë", "Paul", "Sofía", "Björn", "Aoife", "Giulia", "Kenji", "Mary", "Ömer")
LAST_NAMES = ("Schäfer", "O'Brien", "Müller", "Nowak", "Dupont", "Ricci", "Sato", "Smith", "Yıldız", "van der Meer")
ODD_TEXTS = (
    "🚜 Zentrale",
    'the "old" plant',
    "O'Neill's",
    "tab\there",
    "nul\x00inside",
    "back\\slash",
    "100 %_off",
    "\u200bzero",
)
"""Texts that break naive readers; NUL among them."""


@dataclass(frozen=True)
class Company:
    """A company as it is; what the CRM and the ERP hold of it may be garbled. `vat` is empty where there is none."""

    name: str
    country: str
    postcode: str
    vat: str
    duns: str


def digits(rng: Random, count: int) -> str:
    """So many digits, the first not 0."""
    return str(rng.randrange(10 ** (count - 1), 10**count))


def company(rng: Random, serial: int) -> Company:
    """One company; `serial` keeps names apart that chance would make equal."""
    country = rng.choice(COUNTRIES)
    name = f"{rng.choice(STEMS)} {rng.choice(TRADES)}"
    if serial >= len(STEMS):
        name = f"{name} {rng.choice(STEMS)}"
    name = f"{name} {rng.choice(FORMS[country])}"[:40]
    return Company(name, country, _postcode(rng, country), vat_number(rng, country), digits(rng, 9))


def vat_number(rng: Random, country: str) -> str:
    """A number of the country's pattern (its check digit is left to chance); empty where the country has no VAT id."""
    shapes = {
        "DE": lambda: "DE" + digits(rng, 9),
        "AT": lambda: "ATU" + digits(rng, 8),
        "CH": lambda: "CHE" + digits(rng, 9),
        "FR": lambda: "FR" + digits(rng, 11),
        "IT": lambda: "IT" + digits(rng, 11),
        "NL": lambda: "NL" + digits(rng, 9) + "B0" + str(rng.randrange(1, 10)),
        "PL": lambda: "PL" + digits(rng, 10),
        "GB": lambda: "GB" + digits(rng, 9),
        "GR": lambda: "EL" + digits(rng, 9),
    }
    return shapes[country]() if country in shapes else ""


def spelled_vat(rng: Random, vat: str) -> str:
    """The same number as people type it: blanks, dots, small letters."""
    style = rng.randrange(4)
    if style == 1:
        return f"{vat[:2]} {vat[2:5]} {vat[5:]}"
    if style == 2:
        return vat.lower()
    if style == 3:
        return f"{vat[:2]}.{vat[2:]}"
    return vat


def malformed_vat(rng: Random, vat: str) -> str:
    """A number that no pattern takes."""
    return rng.choice((vat[:5], "n/a", "000000000", vat + "X9", "pending"))


def misspelt(rng: Random, name: str) -> str:
    """The name with one slip of the fingers."""
    at = rng.randrange(1, len(name) - 1)
    slip = rng.randrange(3)
    if slip == 0:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if slip == 1:
        return name[:at] + name[at + 1 :]
    return name[:at] + name[at] + name[at:]


def _postcode(rng: Random, country: str) -> str:
    if country == "GB":
        return (
            f"{rng.choice('BLMS')}{rng.randrange(1, 30)} {rng.randrange(1, 10)}{rng.choice('ABDE')}{rng.choice('HJLN')}"
        )
    if country == "NL":
        return f"{digits(rng, 4)} {rng.choice('ABCDE')}{rng.choice('JKLMN')}"
    return digits(rng, 4 if country in ("AT", "CH") else 5)
