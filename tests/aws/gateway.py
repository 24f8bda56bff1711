"""Takes each request to the one that answers it: counts it, lets the faults act on it, carries it out.

Alarms, tags of alarms and STS are answered here at once; what moto answers waits for moto's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import cloudwatch
import cost_explorer
import databases
import pricing
import regions
import s3
import scheduler
import ses
import sts
import tagging
from accounts import Account, Accounts
from alarm_rules import refuse
from calls import Call, finish
from control import Control
from faults import Verdict, judge
from http_server import Answer, Request, Response
from moto_bridge import MotoBridge
from protocols import AwsError, cloudwatch_answer, error_answer, json_answer

Later = Coroutine[Any, Any, Response]
UPDATE_IN_PROGRESS = "A separate request to update this alarm is in progress."


class Gateway:
    def __init__(self, moto: MotoBridge):
        self.moto = moto
        self.accounts = Accounts()
        self.control = Control(self.accounts, moto)

    def handle(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        if request.path.startswith("/_control/"):
            return self.control.handle(request)
        call = Call(request)
        account = self.accounts.get(call.account)
        call.options = account.options
        entry = account.calls.begin(call)
        verdict = judge(account.faults, call)
        if delay := account.options.get("delay"):
            verdict = verdict or Verdict()
            verdict.delay += delay / 1000
        if verdict is not None and (verdict.delay or verdict.end not in ("error", "drop")):
            return self._later(self._under_fault(call, account, verdict), entry)
        if verdict is not None:
            return finish(entry, self._refusal(call, verdict))
        answer = self._carry_out(call, account)
        if isinstance(answer, Response):
            return finish(entry, answer)
        return self._later(answer, entry)

    async def _later(self, answer: Coroutine[Any, Any, Answer], entry: dict[str, Any]) -> Answer:
        try:
            return finish(entry, await answer)
        except asyncio.CancelledError:  # the client is gone
            finish(entry, None)
            raise

    def _refusal(self, call: Call, verdict: Verdict) -> Answer:
        if verdict.end == "drop":
            return None
        assert verdict.error is not None
        return error_answer(call.protocol, call.service, verdict.error)

    async def _under_fault(self, call: Call, account: Account, verdict: Verdict) -> Answer:
        """A put that is delayed or held is "in progress": AWS refuses another put of that alarm meanwhile."""
        mark = (call.region, call.key or "") if call.operation == "PutMetricAlarm" else None
        if mark in account.being_put:
            return error_answer(call.protocol, call.service, refuse(UPDATE_IN_PROGRESS))
        if mark is not None:
            account.being_put.add(mark)
        try:
            await asyncio.sleep(verdict.delay)
            if verdict.end in ("error", "drop"):
                return self._refusal(call, verdict)
            if verdict.end == "hold_before":
                await hold(account)
        finally:
            account.being_put.discard(mark)
        answer = self._carry_out(call, account)
        if not isinstance(answer, Response):
            answer = await answer
        if verdict.end == "hold_after":
            await hold(account)
        if verdict.end == "truncate":  # as a proxy does that lost its upstream
            answer.body = answer.body[: len(answer.body) // 2]
        return None if verdict.end == "drop_after" else answer

    def _carry_out(self, call: Call, account: Account) -> Response | Later:
        try:
            if call.problem is not None:
                raise AwsError("SerializationException", call.problem)
            return self._route(call, account)
        except AwsError as error:
            return error_answer(call.protocol, call.service, error)

    def _route(self, call: Call, account: Account) -> Response | Later:
        if call.service == "cloudwatch":
            return self._cloudwatch(call, account)
        if call.service == "sts" and call.operation in sts.OPERATIONS:
            return sts.OPERATIONS[call.operation](call, account, self.accounts)
        if call.service == "s3":
            return s3.answer(call, account.buckets)
        if call.service == "ce":
            return cost_explorer.answer(call, account)
        if call.service == "pricing":
            return pricing.answer(call, account)
        if call.service == "scheduler":
            return scheduler.answer(call, account)
        if call.protocol == "rest-json":
            return self._mail(call, account)
        if call.service == "tagging" and call.operation == "GetResources":
            return self._tagged(call, account)
        if call.service == "ec2" and call.operation == "DescribeRegions":
            return regions.describe(call, account)
        if call.service == "rds" and account.options.get("no_tag_list"):
            return self._without_tag_lists(call)
        return self.moto.answer(call)

    def _mail(self, call: Call, account: Account) -> Response:
        operation = ses.OPERATIONS.get(call.operation)
        if operation is None:
            text = f"the emulator's SES does not know {call.request.method} {call.request.path}"
            raise AwsError("NotImplemented", text, 501)
        return operation(call, account)

    async def _without_tag_lists(self, call: Call) -> Response:
        answer = await self.moto.answer(call)
        return databases.without_tag_lists(answer) if call.operation.startswith("Describe") else answer

    def _cloudwatch(self, call: Call, account: Account) -> Response | Later:
        operation = cloudwatch.OPERATIONS.get(call.operation)
        if operation is None:
            return self.moto.answer(call)
        if call.protocol == "query":
            raise AwsError("NotImplemented", "the emulator's CloudWatch speaks rpc-v2-cbor and JSON 1.0 only", 501)
        if call.operation == "PutMetricAlarm" and (call.region, call.key or "") in account.being_put:
            raise refuse(UPDATE_IN_PROGRESS)
        return cloudwatch_answer(call.protocol, operation(account.store(call.region), call.params))

    def _tagged(self, call: Call, account: Account) -> Response | Later:
        query = tagging.Query(call.params)
        ours = tagging.tagged_alarms(account.alarms.get(call.region), query)
        ours += tagging.tagged_groups(account.timetables.get(call.region), query)
        if query.only_ours:
            return json_answer(query.page(ours))
        return self._tagged_with_others(call, account, query, ours)

    async def _tagged_with_others(
        self, call: Call, account: Account, query: tagging.Query, ours: list[tagging.Tagged]
    ) -> Response:
        others = await self.moto.tagged(call.account, call.region, query)
        if account.options.get("index_lags"):
            others = [(arn, tags) for arn, tags in others if ":rule/" not in arn]
        try:
            return json_answer(query.page(ours + others))
        except AwsError as error:
            return error_answer(call.protocol, call.service, error)


async def hold(account: Account) -> None:
    """Waits for the release, or for the client to go away (which cancels this)."""
    event = asyncio.Event()
    account.held.add(event)
    try:
        await event.wait()
    finally:
        account.held.discard(event)
