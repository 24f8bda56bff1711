"""GetCallerIdentity and AssumeRole. The account is in the access key id, so no credentials have to be kept.

Source: the STS API reference (2011-06-15).
"""

from __future__ import annotations

import re
import secrets
import time
from xml.sax.saxutils import escape

from accounts import Account, Accounts
from calls import Call
from http_server import Response
from protocols import XML_NAMESPACES, AwsError, request_id, xml_answer

ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.*/)?([^/]+)")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")


def get_caller_identity(call: Call, account: Account, accounts: Accounts) -> Response:
    arn = account.roles.get(call.access_key, f"arn:aws:iam::{account.number}:user/tester")
    user = f"AIDA{account.number}TEST" if ":user/" in arn else f"AROA{account.number}TEST:{arn.rpartition('/')[2]}"
    body = f"<Arn>{escape(arn)}</Arn><UserId>{escape(user)}</UserId><Account>{account.number}</Account>"
    return _answer("GetCallerIdentity", body)


def assume_role(call: Call, account: Account, accounts: Accounts) -> Response:
    """Any role of any account may be assumed; its credentials act in that account. Refusals are ordered as faults."""
    role, session = call.params.get("RoleArn", ""), call.params.get("RoleSessionName", "")
    parts = ROLE_ARN.fullmatch(role)
    if parts is None:
        raise AwsError("ValidationError", f"{role} is invalid")
    if not SESSION_NAME.fullmatch(session):
        raise AwsError("ValidationError", f"Value '{session}' at 'roleSessionName' failed to satisfy constraint")
    duration = int(call.params.get("DurationSeconds", 3600))
    if not 900 <= duration <= 43200:
        raise AwsError("ValidationError", "DurationSeconds must be between 900 and 43200")
    partition, number, name = parts.groups()
    key = f"ASIA{number}{secrets.token_hex(4).upper()}"
    arn = f"arn:{partition}:sts::{number}:assumed-role/{name}/{session}"
    accounts.get(number).roles[key] = arn
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + duration))
    body = (
        f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secrets.token_urlsafe(30)}</SecretAccessKey>"
        f"<SessionToken>{secrets.token_urlsafe(60)}</SessionToken><Expiration>{expires}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>AROA{number}TEST:{escape(session)}</AssumedRoleId>"
        f"<Arn>{escape(arn)}</Arn></AssumedRoleUser><PackedPolicySize>6</PackedPolicySize>"
    )
    return _answer("AssumeRole", body)


def _answer(operation: str, body: str) -> Response:
    return xml_answer(
        f'<{operation}Response xmlns="{XML_NAMESPACES["sts"]}"><{operation}Result>{body}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id()}</RequestId></ResponseMetadata></{operation}Response>"
    )


OPERATIONS = {"GetCallerIdentity": get_caller_identity, "AssumeRole": assume_role}
