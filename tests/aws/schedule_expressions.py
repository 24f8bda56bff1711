"""What a schedule expression may be: cron with six fields, rate, and (in EventBridge Scheduler only) at.

Sources: "Schedule types in EventBridge Scheduler" and "Setting a schedule pattern for scheduled rules": the ranges and
the wildcards of each field, and that exactly one of the two day fields is `?`; public issue threads for ranges with a
step (`0-15/1`), for `*/60` in the minutes (refused), and for `rate(1 minutes)` (a rule refuses it). A range that runs
backwards (`FRI-MON`) is taken: nothing says that it is not.
"""

from __future__ import annotations

import datetime
import functools
import re

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\((.*)\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


class Field:
    """One field of a cron expression: its numbers, names for them, and the wildcards that it takes besides `, - *`."""

    def __init__(self, least: int, most: int, names: list[str] | None = None, special: str = "", step: bool = True):
        self.least, self.most, self.special, self.step = least, most, special, step
        self.names = {name: least + place for place, name in enumerate(names or [])}

    def number(self, text: str) -> bool:
        return text.upper() in self.names or (text.isdigit() and self.least <= int(text) <= self.most)

    def takes(self, text: str) -> bool:
        if "#" in text or "?" in text:  # these stand alone
            return self._special(text)
        return all(self._special(part) or self._plain(part) for part in text.split(","))

    def _plain(self, part: str) -> bool:
        values, slash, step = part.partition("/")
        if slash and not (self.step and step.isdigit() and 1 <= int(step) <= self.most):
            return False
        return values == "*" or all(self.number(one) for one in values.split("-", 1))

    def _special(self, part: str) -> bool:
        if part in ("?", "L"):
            return part in self.special
        if part.endswith("W") and "W" in self.special:
            return self.number(part[:-1])
        if part.endswith("L") and "#" in self.special:  # the last such day of the month
            return self.number(part[:-1])
        day, hash_sign, nth = part.partition("#")
        return bool(hash_sign) and "#" in self.special and self.number(day) and nth in ("1", "2", "3", "4", "5")


FIELDS = (
    Field(0, 59),
    Field(0, 23),
    Field(1, 31, special="?LW"),
    Field(1, 12, MONTHS),
    Field(1, 7, DAYS, special="?L#", step=False),
    Field(1970, 2199),
)


def is_cron(text: str) -> bool:
    matched = CRON.fullmatch(text)
    fields = matched.group(1).split() if matched else []
    if len(fields) != len(FIELDS) or (fields[2] == "?") == (fields[4] == "?"):
        return False
    return all(field.takes(given) for field, given in zip(FIELDS, fields))


def is_rate(text: str, exact: bool) -> bool:
    """`exact` asks for the singular after 1 and the plural after any other number."""
    matched = RATE.fullmatch(text)
    return matched is not None and (not exact or (matched.group(1) == "1") == (not matched.group(3)))


def is_at(text: str) -> bool:
    matched = AT.fullmatch(text)
    try:
        return matched is not None and bool(datetime.datetime.fromisoformat(matched.group(1)))
    except ValueError:
        return False


@functools.lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names that the zone file of python-dateutil has, which do not depend on the machine."""
    import dateutil.zoneinfo

    return frozenset(dateutil.zoneinfo.get_zonefile_instance().zones)
