"""AWS Lambda: functions, what other calls set of them, their policies and tags, with a store for each region of an account.

Nothing runs here: a test takes the zip and runs it. Sources: the Lambda API reference of every operation (patterns and
bounds come from its model, which botocore has); "Lambda function states" in the developer guide (Pending and InProgress,
and that a change is refused meanwhile); public issue threads for the wordings of ResourceConflictException, of a role
that Lambda cannot take on and of a zip that it cannot read. The condition keys of a statement are written as public
examples of GetPolicy show them. Inferred: how many looks a state lasts, and that tags, statements and a deletion are
taken while a function is at work.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from http_server import Response
from protocols import AwsError, request_id
from service_models import service_model, told, violations

if TYPE_CHECKING:
    from accounts import Account
    from calls import Call

MAX_REQUEST = 70_167_211  # bytes of a request, from AWS's message about larger ones
SETTINGS = "Role Handler Description Timeout MemorySize VpcConfig Runtime EphemeralStorage Layers TracingConfig".split()
BUSY = "The operation cannot be performed at this time. "
MOST = {"Timeout": 900, "MemorySize": 10_240}  # "Lambda quotas"; the model has no such bounds
UNKNOWN_ROLE = "The role defined for the function cannot be assumed by Lambda."


class Function:
    def __init__(self, fields: dict[str, Any], tags: dict[str, str], looks: int):
        self.fields = fields
        self.zip = b""
        self.tags = tags
        self.reserved: int | None = None
        self.calls: dict[str, Any] | None = None  # what is said of asynchronous ones
        self.statements: dict[str, dict[str, Any]] = {}
        self.looks = looks  # how many more find it at work

    def put_zip(self, content: bytes) -> None:
        self.zip = content
        self.fields["CodeSha256"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        self.fields["CodeSize"] = len(content)

    def shown(self) -> dict[str, Any]:
        return {key: value for key, value in self.fields.items() if value is not None}

    def look(self) -> dict[str, Any]:
        """What a read shows; at the next one Lambda may be done."""
        shown = self.shown()
        self.looks -= 1
        if self.looks <= 0:
            self.fields.update(State="Active", LastUpdateStatus="Successful")
        return shown

    def begin(self, looks: int) -> None:
        if looks > 0:
            self.looks = looks
            self.fields["LastUpdateStatus"] = "InProgress"
        self.fields["LastModified"] = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
        self.fields["RevisionId"] = str(uuid.uuid4())

    def check_free(self) -> None:
        if self.fields["State"] == "Pending":
            raise conflict(f"{BUSY}The function is currently in the following state: Pending")
        if self.fields["LastUpdateStatus"] == "InProgress":
            raise conflict(f"{BUSY}An update is in progress for resource: {self.fields['FunctionArn']}")


class Functions:
    """The functions of one region."""

    def __init__(self, account: Account, region: str):
        self.account, self.region = account, region
        self.functions: dict[str, Function] = {}

    def named(self, name: str) -> Function:
        """By name or ARN."""
        short = name.split(":")[6] if name.startswith("arn:") else name
        if short not in self.functions:
            raise missing(f"Function not found: {self.arn(short)}")
        return self.functions[short]

    def arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account.number}:function:{name}"

    @property
    def looks(self) -> int:
        return int(self.account.options.get("slow_functions", 1))

    def code(self, given: dict[str, Any]) -> bytes:
        """The zip of a call, or that of an object of S3."""
        if "ZipFile" in given:
            content = base64.b64decode(given["ZipFile"])
        else:
            bucket = self.account.buckets.get(given.get("S3Bucket", ""))
            found = bucket.objects.get(given.get("S3Key", "")) if bucket is not None else None
            if bucket is None or found is None:
                text = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
                raise invalid(text)
            if bucket.region != self.region:
                raise invalid("Error occurred while GetObject. S3 Error Code: PermanentRedirect.")
            content = found.body
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
        return content


def answer(call: Call, account: Account, role: str | None) -> Response:
    """`role` says what is wrong with the role that the call names, if anything."""
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        text = f"the emulator's Lambda does not know {call.request.method} {call.request.path}"
        raise AwsError("NotImplemented", text, 501)
    if len(call.request.body) > MAX_REQUEST:
        raise AwsError("RequestEntityTooLargeException", f"Request must be smaller than {MAX_REQUEST} bytes", 413)
    wrong = violations(service_model("lambda"), call.operation, call.params)
    for name, most in MOST.items():
        if call.params.get(name, 0) > most:
            wrong.append(told(call.params[name], name.lower(), f"Member must have value less than or equal to {most}"))
    if wrong:
        many = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
        raise AwsError("ValidationException", many + "; ".join(wrong))
    if role is not None:
        raise invalid(role)
    status, body = operation(account.functions(call.region), call.params)
    headers = {"content-type": "application/json", "x-amzn-requestid": request_id()}
    return Response(status, headers, b"" if status == 204 else json.dumps(body).encode())


Answer = tuple[int, Any]


def create(store: Functions, params: dict[str, Any]) -> Answer:
    name = params["FunctionName"]
    if name in store.functions:
        raise conflict(f"Function already exist: {name}")
    if "Handler" not in params or "Runtime" not in params:
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    content = store.code(params["Code"])
    fields = {
        "FunctionName": name,
        "FunctionArn": store.arn(name),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
        "PackageType": "Zip",
        "Architectures": params.get("Architectures", ["x86_64"]),
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        **{setting: params[setting] for setting in SETTINGS if setting in params},
    }
    made = Function(fields, dict(params.get("Tags") or {}), store.looks)
    set_nested(made, params)
    made.put_zip(content)
    made.begin(store.looks)
    if store.looks:
        made.fields["State"] = "Pending"
    store.functions[name] = made
    return 201, made.shown()


def set_nested(one: Function, params: dict[str, Any]) -> None:
    """What is empty removes what was there."""
    if "Environment" in params:
        variables = params["Environment"].get("Variables") or {}
        one.fields["Environment"] = {"Variables": variables} if variables else None
    if "DeadLetterConfig" in params:
        target = params["DeadLetterConfig"].get("TargetArn")
        one.fields["DeadLetterConfig"] = {"TargetArn": target} if target else None


def get(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    body = {"Configuration": one.look(), "Code": {"RepositoryType": "S3", "Location": "https://s3.invalid/code"}}
    if store.account.options.get("no_function_tags"):
        body["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": "not authorized to perform: lambda:ListTags"}
    elif one.tags:
        body["Tags"] = one.tags
    if one.reserved is not None:
        body["Concurrency"] = {"ReservedConcurrentExecutions": one.reserved}
    return 200, body


def get_configuration(store: Functions, params: dict[str, Any]) -> Answer:
    return 200, store.named(params["FunctionName"]).look()


def list_functions(store: Functions, _params: dict[str, Any]) -> Answer:
    return 200, {"Functions": [store.functions[name].shown() for name in sorted(store.functions)]}


def update_code(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    one.check_free()
    one.put_zip(store.code(params))
    one.fields["Architectures"] = params.get("Architectures", one.fields["Architectures"])
    one.begin(store.looks)
    return 200, one.shown()


def update_configuration(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    one.check_free()
    one.fields.update({setting: params[setting] for setting in SETTINGS if setting in params})
    set_nested(one, params)
    one.begin(store.looks)
    return 200, one.shown()


def delete(store: Functions, params: dict[str, Any]) -> Answer:
    del store.functions[store.named(params["FunctionName"]).fields["FunctionName"]]
    return 204, None


def put_concurrency(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    one.check_free()
    one.reserved = params["ReservedConcurrentExecutions"]
    return 200, {"ReservedConcurrentExecutions": one.reserved}


def delete_concurrency(store: Functions, params: dict[str, Any]) -> Answer:
    store.named(params["FunctionName"]).reserved = None
    return 204, None


def put_calls(store: Functions, params: dict[str, Any]) -> Answer:
    """What is left out gets its default."""
    one = store.named(params["FunctionName"])
    one.calls = {
        "LastModified": time.time(),
        "FunctionArn": f"{one.fields['FunctionArn']}:$LATEST",
        "MaximumRetryAttempts": params.get("MaximumRetryAttempts", 2),
        "MaximumEventAgeInSeconds": params.get("MaximumEventAgeInSeconds", 21_600),
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}, **(params.get("DestinationConfig") or {})},
    }
    return 200, one.calls


def get_calls(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    if one.calls is None:
        raise missing(f"The function {one.fields['FunctionArn']}:$LATEST doesn't have an EventInvokeConfig")
    return 200, one.calls


def delete_calls(store: Functions, params: dict[str, Any]) -> Answer:
    get_calls(store, params)
    store.named(params["FunctionName"]).calls = None
    return 204, None


def add_permission(store: Functions, params: dict[str, Any]) -> Answer:
    one, sid = store.named(params["FunctionName"]), params["StatementId"]
    if sid in one.statements:
        text = f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        raise conflict(text)
    conditions: dict[str, Any] = {}
    if "SourceAccount" in params:
        conditions["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
    if "SourceArn" in params:
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": one.fields["FunctionArn"],
        **({"Condition": conditions} if conditions else {}),
    }
    one.statements[sid] = statement
    return 201, {"Statement": json.dumps(statement)}


def principal(given: str) -> Any:
    if given == "*":
        return given
    if given.isdigit():
        return {"AWS": f"arn:aws:iam::{given}:root"}
    return {"AWS": given} if given.startswith("arn:") else {"Service": given}


def get_policy(store: Functions, params: dict[str, Any]) -> Answer:
    one = store.named(params["FunctionName"])
    if not one.statements:
        raise missing("The resource you requested does not exist.")
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(one.statements.values())}
    return 200, {"Policy": json.dumps(policy), "RevisionId": str(uuid.uuid4())}


def remove_permission(store: Functions, params: dict[str, Any]) -> Answer:
    one, sid = store.named(params["FunctionName"]), params["StatementId"]
    if sid not in one.statements:
        raise missing(f"Statement {sid} is not found in resource policy.")
    del one.statements[sid]
    return 204, None


def list_tags(store: Functions, params: dict[str, Any]) -> Answer:
    return 200, {"Tags": store.named(params["Resource"]).tags}


def tag(store: Functions, params: dict[str, Any]) -> Answer:
    store.named(params["Resource"]).tags.update(params["Tags"])
    return 204, None


def untag(store: Functions, params: dict[str, Any]) -> Answer:
    for key in params["TagKeys"]:
        store.named(params["Resource"]).tags.pop(key, None)
    return 204, None


def conflict(text: str) -> AwsError:
    return AwsError("ResourceConflictException", text, 409)


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValueException", text)


def missing(text: str) -> AwsError:
    return AwsError("ResourceNotFoundException", text, 404)


OPERATIONS: dict[str, Callable[[Functions, dict[str, Any]], Answer]] = {
    "AddPermission": add_permission,
    "CreateFunction": create,
    "DeleteFunction": delete,
    "DeleteFunctionConcurrency": delete_concurrency,
    "DeleteFunctionEventInvokeConfig": delete_calls,
    "GetFunction": get,
    "GetFunctionConfiguration": get_configuration,
    "GetFunctionEventInvokeConfig": get_calls,
    "GetPolicy": get_policy,
    "ListFunctions": list_functions,
    "ListTags": list_tags,
    "PutFunctionConcurrency": put_concurrency,
    "PutFunctionEventInvokeConfig": put_calls,
    "RemovePermission": remove_permission,
    "TagResource": tag,
    "UntagResource": untag,
    "UpdateFunctionCode": update_code,
    "UpdateFunctionConfiguration": update_configuration,
}
