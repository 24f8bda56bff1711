"""The faults that a test orders: errors, lost answers, delays, throttling and calls that hang.

A call passes the account's faults in their order. Delays add up; a bucket either lets the call pass or refuses it;
any other kind ends the way. A fault sees, and counts in `skip` and `times`, only calls that the ones before it let
pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from calls import Call
from protocols import AwsError

KINDS = ("error", "denied", "drop", "drop_after", "truncate", "latency", "bucket", "hold_before", "hold_after")
FIELDS = {"operation", "region", "service", "key", "skip", "times", "kind"}
FIELDS_OF_KIND = {
    "error": {"code", "status", "message"},
    "latency": {"ms"},
    "bucket": {"rate", "burst", "code", "status", "message"},
}


# Code and status of a refusal by IAM where they are not AccessDenied and 403.
DENIALS = {
    "ec2": ("UnauthorizedOperation", 403),
    "tagging": ("AccessDeniedException", 400),
    "ses": ("AccessDeniedException", 403),
    "scheduler": ("AccessDeniedException", 403),
    "events": ("AccessDeniedException", 400),
    "ce": ("AccessDeniedException", 400),
    "pricing": ("AccessDeniedException", 400),
}
IAM_NAMES = {"tagging": "tag"}  # where IAM's prefix of the service is not the name of the service here


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` a second; it starts full. One thread uses it, so it is exact."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic):
        self.rate, self.burst, self.clock = rate, burst, clock
        self.tokens, self.filled_at = burst, clock()

    def take(self) -> bool:
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Fault:
    """One ordered fault, and how often it may still act."""

    def __init__(self, order: dict[str, Any]):
        self.kind = order.get("kind")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        unknown = set(order) - FIELDS - FIELDS_OF_KIND.get(self.kind, set())
        if unknown:
            raise ValueError(f"a fault of kind {self.kind} has no field {', '.join(sorted(unknown))}")
        if "operation" not in order:
            raise ValueError('a fault needs an operation ("*" for every one)')
        self.operation = order["operation"]
        self.wanted = {name: order[name] for name in ("region", "service", "key") if order.get(name) is not None}
        self.skip = int(order.get("skip") or 0)
        self.times = float("inf") if order.get("times") is None else int(order["times"])
        self.delay = float(order["ms"]) / 1000 if self.kind == "latency" else 0.0
        self.bucket = TokenBucket(float(order["rate"]), float(order["burst"])) if self.kind == "bucket" else None
        throttle = self.kind == "bucket"
        self.error = AwsError(
            order.get("code", "Throttling" if throttle else "InternalFailure"),
            order.get("message", "Rate exceeded" if throttle else "injected error"),
            int(order.get("status", 400 if throttle else 500)),
        )

    def error_for(self, call: Call) -> AwsError:
        """The error of the order; a denial has the form that the service gives it."""
        if self.kind != "denied":
            return self.error
        code, status = DENIALS.get(call.service, ("AccessDenied", 403))
        action = f"{IAM_NAMES.get(call.service, call.service)}:{call.operation}"
        text = (
            f"User: arn:aws:iam::{call.account}:user/tester is not authorized to perform: {action} "
            f"because no identity-based policy allows the {action} action"
        )
        if call.service == "ec2":
            text = f"You are not authorized to perform this operation. {text}"
        return AwsError(code, text, status)

    def matches(self, call: Call) -> bool:
        if self.times <= 0 or self.operation not in ("*", call.operation):
            return False
        wanted = self.wanted
        return (
            wanted.get("region", call.region) == call.region
            and wanted.get("service", call.service) == call.service
            and ("key" not in wanted or wanted["key"] in call.keys)
        )

    def acts_on(self, call: Call) -> bool:
        """Whether the fault hits this call; counts it."""
        if not self.matches(call):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.bucket is not None and self.bucket.take():
            return False
        self.times -= 1
        return True


class Verdict:
    """What the faults make of one call: a delay, then `end` (a kind, or `None`: carry it out and answer)."""

    __slots__ = ("delay", "end", "error")

    def __init__(self) -> None:
        self.delay = 0.0
        self.end: str | None = None
        self.error: AwsError | None = None


def judge(faults: list[Fault], call: Call) -> Verdict | None:
    """`None` when no fault hits the call."""
    verdict = None
    for fault in faults:
        if not fault.acts_on(call):
            continue
        verdict = verdict or Verdict()
        if fault.kind == "latency":
            verdict.delay += fault.delay
            continue
        verdict.end = "error" if fault.kind in ("bucket", "denied") else fault.kind
        verdict.error = fault.error_for(call)
        return verdict
    return verdict
