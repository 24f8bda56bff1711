"""IAM roles as other services see them: whether there is such a role, whom it trusts, and since when that is known.

Sources: "Changes that I make are not always immediately visible" in the IAM user guide; public issue threads for what
Lambda and EventBridge Scheduler say of a role that they cannot take on, also of one that is too new.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from accounts import Account


def find(account: str, arn: str) -> Any:
    """moto's role; runs in moto's thread."""
    from moto.iam.models import iam_backends

    roles = iam_backends[account]["aws"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def trusts(role: Any, service: str) -> bool:
    document = json.loads(unquote(role.assume_role_policy_document))
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        named = (statement.get("Principal") or {}).get("Service") or []
        if statement["Effect"] == "Allow" and service in ([named] if isinstance(named, str) else named):
            return True
    return False


def is_known(account: Account, arn: str, service: str) -> bool | None:
    """Whether a service can take a role on; nothing where there is no such role. A new one is refused as often as the
    option `role_lag` says. Runs in moto's thread."""
    role = find(account.number, arn)
    if role is None:
        return None
    tried = account.role_tries.get((role.id, service), 0)
    account.role_tries[(role.id, service)] = tried + 1
    return trusts(role, service) and tried >= int(account.options.get("role_lag") or 0)


def stored_roles(account: str) -> list[dict[str, Any]]:
    """Every role with its policies and tags, sorted by name; runs in moto's thread."""
    from moto.iam.models import iam_backends

    backend = iam_backends[account]["aws"]
    return [
        {
            "RoleName": role.name,
            "Arn": role.arn,
            "Description": role.description,
            "MaxSessionDuration": int(role.max_session_duration or 3600),
            "Trust": json.loads(unquote(role.assume_role_policy_document)),
            "Policies": {name: json.loads(unquote(text)) for name, text in role.policies.items()},
            "Attached": sorted(role.managed_policies),
            "Tags": {tag["Key"]: tag["Value"] for tag in backend.list_role_tags(role.name, None)[0]},
        }
        for role in sorted(backend.roles.values(), key=lambda role: str(role.name))
    ]
