# Made from api/content/personal_numbers.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Numbers that name a person or an account: cards, IBANs, national numbers, phones. Imports no database.

A number is only looked for where it could begin, and dates, versions and account numbers of clouds are left alone.
"""

import re
from collections.abc import Callable

_SEPARATORS = str.maketrans("", "", "._:/+-")
_DIGIT_GROUPS = re.compile(r"(?<![A-Za-z0-9])\d(?:[._:/\-]?\d){8,22}(?![A-Za-z0-9])")
_GLUED_DIGITS = re.compile(r"(?<!\d)\d{13,19}(?!\d)")
HASH = re.compile(r"(?<![A-Za-z0-9])(?=\d*[a-fA-F])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40,128})(?![A-Za-z0-9])")
_RARE_LENGTHS = (17, 18)
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|5[0-8]\d{11,17}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12}|35\d{14,17}|6\d{12,18}|8[12]\d{14}|9792\d{12}"
)
_CLOUD_NUMBER = re.compile(r"(?:endpoints|models|deployments)/\d{19}(?!\d)")
_IBAN_START = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=iban))[A-Za-z]{2}\d{2}[A-Za-z0-9._:/\-]{11,}", re.IGNORECASE)
_ACCOUNTS = (
    "AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c CZ20n "
    "DE18n DK14n DO4c20n EE16n EG25n ES20n FI14n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT24c HR17n "
    "HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c "
    "LV4a13c MC10n11c2n MD20c ME18n MK3n10c2n MR23n MT4a5n18c MU4a19n3a NL4a10n NO11n PK4a16c PL24n PS4a21c PT21n "
    "QA4a21c RO4a16c RS18n SA2n18c SC4a20n3a SE20n SI15n SK20n SM1a10n12c SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n "
    "VG4a16n XK16n"
)
_OF_KIND = {"n": r"\d", "a": "[A-Z]", "c": "[A-Z0-9]"}
_DATE = re.compile(r"(?:19|20)\d\d[._:/\-]?(?:0[1-9]|1[0-2])[._:/\-]?(?:0[1-9]|[12]\d|3[01])(?!\d[._:/\-]\d{4}$)")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?")


def _account_pattern(parts: str) -> re.Pattern[str]:
    form = "".join(f"{_OF_KIND[kind]}{{{count}}}" for count, kind in re.findall(r"(\d+)([nac])", parts))
    return re.compile(rf"[A-Z]{{2}}\d\d{form}")


_IBANS = {entry[:2]: _account_pattern(entry[2:]) for entry in _ACCOUNTS.split()}


def _luhn(digits: str) -> bool:
    odd = sum(int(digit) for digit in digits[-1::-2])
    return (odd + sum(divmod(2 * int(digit), 10)[0] + 2 * int(digit) % 10 for digit in digits[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether a run of digits is a payment card's number."""
    return bool(_ISSUERS.fullmatch(digits)) and len(set(digits)) > 1 and _luhn(digits)


def has_card(value: str, *, is_opaque: bool = False) -> bool:
    """Among opaque ids, numbers of lengths that hardly any card has are left alone."""
    if value.startswith("projects/"):
        value = _CLOUD_NUMBER.sub("", value)
    runs = [match.group().translate(_SEPARATORS) for match in _DIGIT_GROUPS.finditer(value)]
    digits_found = (*runs, *_GLUED_DIGITS.findall(value))
    return any(is_card(digits) for digits in digits_found if not (is_opaque and len(digits) in _RARE_LENGTHS))


def has_iban(value: str) -> bool:
    for match in _IBAN_START.finditer(value):
        rest = match.group().translate(_SEPARATORS).upper()
        form = _IBANS.get(rest[:2])
        account = form.match(rest) if form else None
        if account and _mod_97(account.group()):
            return True
    return False


def _mod_97(iban: str) -> bool:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_pesel(number: str) -> bool:
    has_date = int(number[2:4]) % 20 in range(1, 13) and int(number[4:6]) in range(1, 32)
    return has_date and _weighted(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _is_norwegian(number: str) -> bool:
    has_date = int(number[:2]) in range(1, 32) and int(number[2:4]) in range(1, 13)
    first = _weighted(number, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
    return has_date and first and _weighted(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _is_belgian(number: str) -> bool:
    has_date = int(number[2:4]) in range(1, 13) and int(number[4:6]) in range(1, 32)
    check = int(number[9:])
    return has_date and check in {97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97}


def _is_cpf(number: str) -> bool:
    first = _weighted(number, (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = _weighted(number, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return number[9:] == f"{first}{second}" and len(set(number)) > 1


def _is_german_tax_number(number: str) -> bool:
    repeats = sorted(map(number[:10].count, set(number[:10])))
    if number[0] == "0" or repeats[-1] not in (2, 3) or repeats[-2] != 1:
        return False
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[10])


def _is_swiss(number: str) -> bool:
    return number.startswith("756") and _weighted(number, (1, 3) * 6 + (1,)) % 10 == 0


def _is_french(number: str) -> bool:
    return number[0] in "12" and int(number[3:5]) in range(1, 13) and int(number[13:]) == 97 - int(number[:13]) % 97


_BY_LENGTH: dict[int, tuple[Callable[[str], bool], ...]] = {
    11: (_is_pesel, _is_norwegian, _is_belgian, _is_cpf, _is_german_tax_number),
    13: (_is_swiss,),
    15: (_is_french,),
}
_SSN = re.compile(r"(?<![\d.])(?!000|666)\d{3}([._:/\-])(?!00)\d\d\1(?!0000)\d{4}(?![\d.])")
_NAMED_NUMBER = re.compile(
    r"(?<![a-z])(?:ssn|itin|sin|bsn|nino|aadhaar|passport)[._:/\-]?\d{8,12}(?!\d)", re.IGNORECASE
)
_CANADIAN = re.compile(r"(?<!\d)[1-79]\d\d([._/\-])\d{3}\1\d{3}(?!\d)")
_BRITISH = re.compile(
    r"(?<![A-Za-z0-9])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[._\-]?\d\d){3}[._\-]?[A-D](?![A-Za-z0-9])"
)
_ITALIAN = re.compile(r"(?<![A-Z0-9])[A-Z]{6}\d\d[ABCDEHLMPRST][0-7]\d[A-Z]\d{3}[A-Z](?![A-Z0-9])", re.IGNORECASE)
_SPANISH = re.compile(r"(?<![A-Za-z0-9])(?!(?:19|20)\d{6})([XYZ]?)(\d{7,8})-?([A-Zg-z])(?![A-Za-z0-9])")
_SPANISH_DIGITS, _SPANISH_LETTERS = 8, "TRWAGMYFPDXBNJZSQVHLCKE"
_CHINESE = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![A-Za-z0-9])"
)
_SWEDISH = re.compile(r"(?<![\d-])((?:19)?(?:[4-9]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))[-+](\d{4})(?![\d-])")
_FINNISH = re.compile(
    r"(?<![A-Za-z0-9])((?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d)[-+A](\d{3})([0-9A-FHJ-NPR-Y])(?![A-Za-z0-9])"
)
_FINNISH_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def has_social_security_number(value: str) -> bool:
    return bool(_SSN.search(value) or _NAMED_NUMBER.search(value))


def has_italian_number(value: str) -> bool:
    """Alone, since its digits stand apart."""
    return bool(_ITALIAN.search(value))


def has_national_number(value: str) -> bool:
    """Of those whose check digits leave little room for chance."""
    if _BRITISH.search(value):
        return True
    if any(_luhn(match.group().translate(_SEPARATORS)) for match in _CANADIAN.finditer(value)):
        return True
    if any(_luhn((match[1] + match[2])[-10:]) for match in _SWEDISH.finditer(value)):
        return True
    return _has_lettered_number(value) or any(map(_is_numeric_national, _DIGIT_GROUPS.finditer(value)))


def _has_lettered_number(value: str) -> bool:
    for match in _SPANISH.finditer(value):
        number = f"{'XYZ'.index(match[1]) if match[1] else ''}{match[2]}"
        if len(number) == _SPANISH_DIGITS and _SPANISH_LETTERS[int(number) % 23] == match[3].upper():
            return True
    for match in _FINNISH.finditer(value):
        if _FINNISH_LETTERS[int(match[1] + match[2]) % 31] == match[3]:
            return True
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return any(
        "10X98765432"[_weighted(match.group()[:17], weights) % 11] == match.group()[17].upper()
        for match in _CHINESE.finditer(value)
    )


def _is_numeric_national(match: re.Match[str]) -> bool:
    if _DATE.match(match.group()):
        return False
    number = match.group().translate(_SEPARATORS)
    return any(is_number(number) for is_number in _BY_LENGTH.get(len(number), ()))


_PHONE_LENGTHS = range(9, 16)
_PLUS = re.compile(r"\+(\d(?:[._/\-]?\d){7,14})(?!\d)")
_NAMED_PHONE = re.compile(
    r"(?<![a-z])(?:tel|phone|telephone|mobile|cell|fax|sms|whatsapp|handy)[._:/\-]{0,3}\+?\d(?:[._/\-]?\d){6,14}(?!\d)",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![A-Za-z0-9.:/])(?:00[1-9]\d{9,13}|0[1-9]\d{9,10}|1[2-9]\d\d[2-9]\d{6})(?![A-Za-z0-9])")
_NORTH_AMERICAN = re.compile(r"(?<![\d._/\-])(?:1[._/\-])?[2-9]\d\d([._/\-])[2-9]\d\d\1\d{4}(?![\d._/\-]*\d)")
_TRUNK = re.compile(r"(?<![A-Za-z0-9._/\-])0\d{1,5}(?:[._/\-]\d{2,9}){1,5}(?![A-Za-z0-9])")
_ABROAD = re.compile(
    r"(?<![A-Za-z0-9._:/\-])(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-69]\d|3[578]\d|42\d|[58]\d\d|9[679]\d)"
    r"([._\-])\d{1,5}(?:\1\d{2,9}){1,5}(?![A-Za-z0-9])"
)


_TEN_DIGITS = re.compile(r"\+?(?:[2-9]\d\d[2-9]\d{6}|[6-9]\d{9}|0[1-9]\d{8})")
"""As North America, India and those who dial a zero first write a number without separators."""


def is_bare_phone(value: str) -> bool:
    return bool(_TEN_DIGITS.fullmatch(value)) and not _DATE.match(value)


def has_phone(value: str, *, is_version: bool = False) -> bool:
    if _NAMED_PHONE.search(value):
        return True
    if is_version:
        return False
    if any(not _DATE.match(match[1]) for match in _PLUS.finditer(value)):
        return True
    if _BARE.search(value) or _NORTH_AMERICAN.search(value):
        return True
    grouped = (*_TRUNK.finditer(value), *_ABROAD.finditer(value))
    return any(_is_grouped_phone(match.group()) for match in grouped)


def _is_grouped_phone(groups: str) -> bool:
    digits = groups.translate(_SEPARATORS)
    return len(digits) in _PHONE_LENGTHS and not _DATE.search(groups) and not _IP_ADDRESS.fullmatch(groups)
