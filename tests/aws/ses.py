"""SendEmail and GetAccount of SES v2, with a store of what was sent for each region.

Sources: the SES API v2 reference of both operations and of the type Destination (addresses are ASCII); "Service quotas"
(50 recipients) and "Managing your sending limits" in the developer guide; AWS's blog on limits (the rate counts
recipients: a mail passes while there is any rate left, and what it takes more has to come back first); public issue
threads for `429 TooManyRequestsException: Maximum sending rate exceeded.` The code for the daily quota is inferred
from the one for the rate, and BadRequestException from the reference where a wording is not known.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import uuid
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

from calls import Call
from http_server import Response
from mails import Mail, raw_mail, simple_mail
from protocols import AwsError, request_id

if TYPE_CHECKING:
    from accounts import Account

MAX_RECIPIENTS, DAY = 50, 24 * 3600
ADDRESS = re.compile(r"[^\s@<>,;\"]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+")
SIMULATOR = "simulator.amazonses.com"
SETTINGS: dict[str, Any] = {
    "sandbox": False,  # recipients must be verified too; 1 recipient a second and 200 a day, unless they are set
    "verified": None,  # addresses and domains; null: anything, but nothing in the sandbox
    "rate": None,  # recipients a second; null: 14 are told and none is refused
    "daily": None,  # recipients in 24 hours; null: 50,000 are told and none is refused
    "configuration_sets": None,  # their names; null: any
    "sending": True,
}
SANDBOX = {"sandbox": True, "verified": [], "rate": 1, "daily": 200}


class Outbox:
    """What one account sent from one region, and how much of the rate it has left."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.sent: list[tuple[float, int]] = []  # time and recipients; not cleared with the mails
        self.left: float | None = None
        self.filled_at = 0.0

    def sent_today(self) -> int:
        return sum(count for at, count in self.sent if at > time.time() - DAY)

    def check_rate(self, rate: float) -> None:
        now, full = time.monotonic(), max(1.0, rate)
        gained = full if self.left is None else self.left + (now - self.filled_at) * rate
        self.left, self.filled_at = min(full, gained), now
        if self.left < 1:
            raise AwsError("TooManyRequestsException", "Maximum sending rate exceeded.", 429)


def check_settings(wanted: dict[str, Any]) -> None:
    if set(wanted) - set(SETTINGS):
        raise ValueError(f"the settings of mail are {', '.join(SETTINGS)}")


def settings(account: Account, region: str) -> dict[str, Any]:
    """The option `mail` for every region, and `mail_in` on top of it for one."""
    given = {**account.options.get("mail", {}), **account.options.get("mail_in", {}).get(region, {})}
    return {**SETTINGS, **(SANDBOX if given.get("sandbox") else {}), **given}


def get_account(call: Call, account: Account) -> Response:
    chosen, outbox = settings(account, call.region), account.outbox(call.region)
    return answer(
        {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": not chosen["sandbox"],
            "SendQuota": {
                "Max24HourSend": float(chosen["daily"] or 50000),
                "MaxSendRate": float(chosen["rate"] or 14),
                "SentLast24Hours": float(outbox.sent_today()),
            },
            "SendingEnabled": bool(chosen["sending"]),
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        }
    )


def send_email(call: Call, account: Account) -> Response:
    chosen, outbox = settings(account, call.region), account.outbox(call.region)
    mail = mail_of(call)
    if not chosen["sending"]:
        raise AwsError("SendingPausedException", "Sending is paused for this account.")
    if len(mail["recipients"]) > MAX_RECIPIENTS:
        raise bad(f"Recipient count exceeds {MAX_RECIPIENTS}.")
    if not mail["recipients"]:
        raise bad("At least one recipient is required.")
    for address in [mail["from"], *mail["recipients"], *mail["reply_to"]]:
        check_address(address)
    name, known = call.params.get("ConfigurationSetName"), chosen["configuration_sets"]
    if name is not None and known is not None and name not in known:
        raise AwsError("NotFoundException", f"Configuration set <{name}> does not exist.", 404)
    check_verified(mail, chosen, call.region)
    if chosen["daily"] is not None and outbox.sent_today() >= chosen["daily"]:
        raise AwsError("TooManyRequestsException", "Daily message quota exceeded.", 429)
    if chosen["rate"] is not None:
        outbox.check_rate(chosen["rate"])
        assert outbox.left is not None
        outbox.left -= len(mail["recipients"])
    mail.update(
        id=f"01{secrets.token_hex(7)}-{uuid.uuid4()}-000000",
        region=call.region,
        time=time.time(),
        configuration_set=name,
        email_tags={tag["Name"]: tag["Value"] for tag in call.params.get("EmailTags") or []},
    )
    outbox.mails.append(mail)
    outbox.sent.append((mail["time"], len(mail["recipients"])))
    return answer({"MessageId": mail["id"]})


def mail_of(call: Call) -> Mail:
    content = call.params.get("Content") or {}
    if len(content) != 1:
        raise bad("Content must have exactly one of Simple, Raw and Template.")
    if "Simple" in content:
        return simple_mail(call.params)
    if "Raw" in content:
        return raw_mail(call.params)
    raise AwsError("NotImplemented", "the emulator's SES sends Simple and Raw content only", 501)


def check_address(text: str) -> None:
    if not text.isascii():
        raise bad(f"The address {text!r} must be 7-bit ASCII.")
    found = bare(text)
    if "@" not in found:
        raise bad("Missing final '@domain'")
    if not ADDRESS.fullmatch(found):
        raise bad(f"The address {text!r} is not valid.")


def bare(text: str) -> str:
    """The address without a display name; empty when there is not exactly one."""
    found = getaddresses([text])
    return found[0][1] if len(found) == 1 else ""


def check_verified(mail: Mail, chosen: dict[str, Any], region: str) -> None:
    if chosen["verified"] is None:
        return
    verified = {name.lower() for name in chosen["verified"]}

    def passes(address: str) -> bool:
        address = bare(address).lower()
        parts = address.rpartition("@")[2].split(".")
        domains = {".".join(parts[start:]) for start in range(len(parts))}  # a domain stands for those below it
        return address in verified or bool(domains & verified)

    failed = [mail["from"]] if not passes(mail["from"]) else []
    if chosen["sandbox"]:
        others = [one for one in mail["recipients"] if not bare(one).lower().endswith(f"@{SIMULATOR}")]
        failed += [one for one in others if not passes(one)]
    if failed:
        names = ", ".join(dict.fromkeys(failed))
        text = "Email address is not verified. The following identities failed the check in region"
        raise AwsError("MessageRejected", f"{text} {region.upper()}: {names}")


def bad(text: str) -> AwsError:
    return AwsError("BadRequestException", text)


def answer(body: dict[str, Any]) -> Response:
    return Response(
        200, {"content-type": "application/json", "x-amzn-requestid": request_id()}, json.dumps(body).encode()
    )


OPERATIONS = {"GetAccount": get_account, "SendEmail": send_email}
