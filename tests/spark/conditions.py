"""Random conditions on a row, as texts: all operators and functions, over columns and constants at the ends of their types."""

from random import Random

NUMBERS = ("whole", "amount", "huge", "fine", "0", "1", "0.000000000000000001", "9223372036854775807", "9" * 38, "-7")
TEXTS = ("text", "hour", "''", "'a'", "'%'", "'9999-12-31'", "'1e400'")
DATES = ("day", "DATE '0001-01-01'", "DATE '9999-12-31'", "NULL")
INSTANTS = ("moment", "_observed_at", "TIMESTAMP '9999-12-31T23:59:59Z'")


def nasty_condition(luck: Random, depth: int) -> str:
    """A condition; not all of them compile."""
    of_kind = luck.choice([_number, _text, _date, _instant])
    one, other, third = (of_kind(luck, depth) for _ in range(3))
    shapes = [
        f"{one} {luck.choice(['=', '<', '<=>', '>='])} {other}",
        f"{one} IN ({other}, {third})",
        f"{one} BETWEEN {other} AND {third}",
        f"{one} IS NULL",
        f"{_text(luck, depth)} LIKE 'a%_'",
        f"{_text(luck, depth)} RLIKE '^([A-Z]{{2}}){{1}}[0-9]*$'",
        f"contains({_text(luck, depth)}, {_text(luck, 0)})",
        f"exists(item, x -> {_number(luck, 1)} < x.{luck.choice(['amount', 'whole'])})",
        f"aggregate(item, {_number(luck, 1)}, (t, x) -> t {luck.choice('+-*/%')} x.{luck.choice(['amount', 'whole'])}) > 0",
        "flag",
    ]
    if depth > 0:
        inner = [nasty_condition(luck, depth - 1) for _ in range(2)]
        shapes += [f"NOT ({inner[0]})", f"({inner[0]}) OR ({inner[1]})", f"({inner[0]}) AND ({inner[1]})"]
    return luck.choice(shapes)


def _number(luck: Random, depth: int) -> str:
    if depth == 0:
        return luck.choice(NUMBERS)
    one, other = _number(luck, depth - 1), _number(luck, depth - 1)
    return luck.choice(
        [
            one,
            f"({one} {luck.choice('+-*/%')} {other})",
            f"(-{one})",
            f"abs({one})",
            f"{luck.choice(['coalesce', 'greatest', 'least', 'nullif'])}({one}, {other})",
            f"CASE WHEN flag THEN {one} ELSE {other} END",
            f"length({_text(luck, depth - 1)})",
            f"datediff({_date(luck, depth - 1)}, {_date(luck, depth - 1)})",
            f"year({_date(luck, depth - 1)})",
            f"CAST({_text(luck, depth - 1)} AS {luck.choice(['BIGINT', 'DECIMAL(38,18)', 'DECIMAL(3,1)'])})",
            f"CAST({one} AS {luck.choice(['BIGINT', 'DECIMAL(38,18)', 'DECIMAL(3,1)'])})",
        ]
    )


def _text(luck: Random, depth: int) -> str:
    if depth == 0:
        return luck.choice(TEXTS)
    one = _text(luck, depth - 1)
    number = luck.choice(["0", "-3", "1", "500"])
    return luck.choice(
        [
            f"substring({one}, {number}, {luck.choice(['-1', '3'])})",
            f"{luck.choice(['left', 'right'])}({one}, {number})",
            f"lpad({one}, {number}, {_text(luck, 0)})",
            f"{one} || {_text(luck, 0)}",
            f"replace({one}, {_text(luck, 0)}, 'x')",
            f"regexp_replace({one}, '[^a-z]', '')",
            f"{luck.choice(['upper', 'lower', 'trim', 'ltrim', 'rtrim'])}({one})",
            f"CAST({luck.choice([_number, _date, _instant])(luck, depth - 1)} AS STRING)",
        ]
    )


def _date(luck: Random, depth: int) -> str:
    if depth == 0:
        return luck.choice(DATES)
    one = _date(luck, depth - 1)
    return luck.choice(
        [
            f"{luck.choice(['date_add', 'date_sub', 'add_months'])}({one}, {luck.choice(['1', '-10000', '10000'])})",
            f"CAST({luck.choice([_text, _instant])(luck, depth - 1)} AS DATE)",
            f"coalesce({one}, {_date(luck, 0)})",
        ]
    )


def _instant(luck: Random, depth: int) -> str:
    if depth == 0:
        return luck.choice(INSTANTS)
    return luck.choice([_instant(luck, 0), f"CAST({luck.choice([_text, _date])(luck, depth - 1)} AS TIMESTAMP)"])
