"""One mail as the control path shows it, from the two contents that SES takes: Simple, and Raw (a MIME message)."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from protocols import AwsError

Mail = dict[str, Any]
# RFC 5322 allows each of these once.
SINGLE_HEADERS = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "sender", "mime-version"}


def destination(params: dict[str, Any]) -> dict[str, list[str]]:
    given = params.get("Destination") or {}
    return {
        name: list(given.get(field) or [])
        for name, field in (("to", "ToAddresses"), ("cc", "CcAddresses"), ("bcc", "BccAddresses"))
    }


def simple_mail(params: dict[str, Any]) -> Mail:
    """What SES makes the message of; `headers` has those that it was given besides the addresses and the subject."""
    content = params["Content"]["Simple"]
    subject = (content.get("Subject") or {}).get("Data")
    body = content.get("Body") or {}
    if subject is None or not body:
        raise AwsError("BadRequestException", "A simple message needs a subject and a body.")
    if not params.get("FromEmailAddress"):
        raise AwsError("BadRequestException", "FromEmailAddress is required.")
    addresses = destination(params)
    return {
        "from": params["FromEmailAddress"],
        **addresses,
        "recipients": [one for kind in addresses.values() for one in kind],
        "reply_to": list(params.get("ReplyToAddresses") or []),
        "subject": subject,
        "text": (body.get("Text") or {}).get("Data"),
        "html": (body.get("Html") or {}).get("Data"),
        "headers": [[one["Name"], one["Value"]] for one in content.get("Headers") or []],
        "attachments": [
            {"name": one.get("FileName"), "type": one.get("ContentType"), "data": one.get("RawContent")}
            for one in content.get("Attachments") or []
        ],
        "raw": None,
    }


def raw_mail(params: dict[str, Any]) -> Mail:
    """The recipients are the Destination's when there is one, or else those in the headers; Bcc is taken out."""
    try:
        data = base64.b64decode(params["Content"]["Raw"].get("Data") or "", validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("SerializationException", "Raw.Data is not base64") from None
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    counted = Counter(name.lower() for name in message.keys())
    for name in sorted(SINGLE_HEADERS):
        if counted[name] > 1:
            raise AwsError("BadRequestException", f"Duplicate header '{name.title()}'.")
    if "from" not in counted:
        raise AwsError("BadRequestException", "Missing required header 'From'.")
    shown = {name: addresses(message, name) for name in ("to", "cc", "bcc")}
    given = destination(params)
    chosen = given if any(given.values()) else shown
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    return {
        "from": params.get("FromEmailAddress") or str(message["from"]),
        "to": shown["to"],
        "cc": shown["cc"],
        "bcc": chosen["bcc"],
        "recipients": [one for kind in chosen.values() for one in kind],
        "reply_to": list(params.get("ReplyToAddresses") or []) or addresses(message, "reply-to"),
        "subject": str(message["subject"] or ""),
        "text": content_of(text),
        "html": content_of(html),
        "headers": [[name, str(value)] for name, value in message.items() if name.lower() != "bcc"],
        "attachments": [attachment(part) for part in message.iter_attachments()],
        "raw": data.decode("utf-8", "replace"),
    }


def addresses(message: EmailMessage, name: str) -> list[str]:
    """Each as `address`, or `name <address>` with what the name says once it is decoded."""
    header = message[name]
    return [str(one) if one.display_name.isascii() else one.addr_spec for one in header.addresses] if header else []


def content_of(part: Any) -> str | None:
    """Lines end in a plain newline here, whatever they end in on their way."""
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else None


def attachment(part: Any) -> dict[str, Any]:
    data = part.get_payload(decode=True) or b""
    return {"name": part.get_filename(), "type": part.get_content_type(), "data": base64.b64encode(data).decode()}
