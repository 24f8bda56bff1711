"""Everything that one AWS account owns here. Each test takes an account of its own, so tests do not meet."""

from __future__ import annotations

import asyncio
from typing import Any

from alarm_store import AlarmStore
from calls import CallLog
from faults import Fault
from pricing import PriceList, standard
from s3 import Bucket
from scheduler import Timetable
from ses import Outbox


class Account:
    def __init__(self, number: str):
        self.number = number
        self.options: dict[str, Any] = {}
        self.alarms: dict[str, AlarmStore] = {}
        self.calls = CallLog()
        self.faults: list[Fault] = []
        self.held: set[asyncio.Event] = set()
        self.being_put: set[tuple[str, str]] = set()  # region and name of alarms with a put under way
        self.buckets: dict[str, Bucket] = {}
        self.outboxes: dict[str, Outbox] = {}
        self.timetables: dict[str, Timetable] = {}
        self.opted_in: set[str] = set()
        self.bill: list[dict[str, str]] = []  # what Cost Explorer tells
        self.bill_page = 5000
        self.prices: PriceList | None = None  # AWS's own, until somebody asks
        self.roles: dict[str, str] = {}  # access key id → ARN of the session that it belongs to

    def store(self, region: str) -> AlarmStore:
        if region not in self.alarms:
            self.alarms[region] = AlarmStore(self.number, region, self.options)
        return self.alarms[region]

    def outbox(self, region: str) -> Outbox:
        return self.outboxes.setdefault(region, Outbox())

    def timetable(self, region: str) -> Timetable:
        if region not in self.timetables:
            self.timetables[region] = Timetable(self.number, region)
        return self.timetables[region]

    def price_list(self) -> PriceList:
        if self.prices is None:
            self.prices = standard()
        return self.prices

    def release(self) -> int:
        released = len(self.held)
        for event in self.held:
            event.set()
        return released


class Accounts:
    def __init__(self) -> None:
        self.known: dict[str, Account] = {}

    def get(self, number: str) -> Account:
        if number not in self.known:
            self.known[number] = Account(number)
        return self.known[number]

    def forget(self, number: str) -> None:
        """Drops all that the account owns; what it holds back is let go, or it would hang for ever."""
        account = self.known.pop(number, None)
        if account is not None:
            account.release()
