"""The way to moto: one thread that owns it, and what is changed in it.

moto is not made for several threads, and importing it takes seconds. So one thread imports it while the server
already answers, and carries out moto's calls one after the other.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import databases
import ec2_tags
import event_rules
import images
import instances
import log_groups
import snapshots
import storage
import volumes
from calls import Call
from http_server import Response
from protocols import AwsError, error_answer

if TYPE_CHECKING:
    from tagging import Query, Tagged

T = TypeVar("T")
OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "server", "date", "content-encoding"}
XML_CODE = re.compile(rb"<Code>([^<]*)</Code>")
JSON_TYPE = re.compile(rb'"__type"\s*:\s*"(?:[^"]*#)?([^"]*)"')

# What is answered here; an operation that answers nothing has only looked and leaves the call to moto.
MODULES = {
    "ec2": (instances, volumes, storage, snapshots, images, ec2_tags),
    "rds": (databases,),
    "events": (event_rules,),
    "logs": (log_groups,),
}
TAUGHT: dict[tuple[str, str], Callable[[Call], Response | None]] = {
    (service, name): operation
    for service, modules in MODULES.items()
    for module in modules
    for name, operation in module.OPERATIONS.items()
}

# moto reads these when it is imported. Its list of images would be loaded for each account and region.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


class MotoBridge:
    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")
        self.app: Callable[..., Any] | None = None
        # Told in moto's thread of each state that an instance comes to: account, region, id, state.
        self.on_state: Callable[[str, str, str, str], object] = lambda *_: None

    def warm_up(self) -> None:
        """Imports moto; the first job of its thread, so every later one finds it there."""
        self.thread.submit(self._load)

    def _load(self) -> None:
        try:
            import moto_lessons
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            moto_lessons.teach()
            self.app = DomainDispatcherApplication(create_backend_app)
        except BaseException:
            traceback.print_exc(file=sys.stderr)
            raise

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Runs work on moto's objects in moto's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work, *args)

    async def answer(self, call: Call) -> Response:
        return await self.run(self._answer, call)

    async def tagged(self, account: str, region: str, query: Query) -> list[Tagged]:
        return await self.run(tagged_resources, account, region, query)

    def _answer(self, call: Call) -> Response:
        try:
            import moto_cloudwatch

            if call.service == "cloudwatch" and call.protocol == "cbor":
                return moto_cloudwatch.answer(call, self._wsgi)
            answer = self._taught_or_moto(call)
            if call.service == "ec2" and answer.status == 200:
                for ident, state in instances.states_after(call):
                    self.on_state(call.account, call.region, ident, state)
            return answer
        except AwsError as error:
            return error_answer(call.protocol, call.service, error)
        except NotImplementedError as problem:
            text = f"moto does not know how to do this: {problem}"
            print(f"{call.service}:{call.operation}: {text}", file=sys.stderr, flush=True)
            return error_answer(call.protocol, call.service, AwsError("NotImplemented", text, 501))
        except Exception as problem:
            traceback.print_exc(file=sys.stderr)
            return error_answer(call.protocol, call.service, AwsError("InternalFailure", repr(problem), 500))

    def _taught_or_moto(self, call: Call) -> Response:
        taught = TAUGHT.get((call.service, call.operation))
        if taught is not None and (answer := taught(call)) is not None:
            return answer
        if call.service == "rds":
            check_page_size(call)
        return self._wsgi(call, call.request.body, {})

    def _wsgi(self, call: Call, body: bytes, headers: dict[str, str]) -> Response:
        """Hands the request to moto's WSGI application, with the account in the header that moto reads it from."""
        assert self.app is not None, "moto could not be imported"
        environ = wsgi_environ(call, body, headers)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, answered: list[tuple[str, str]], _problem: object = None) -> None:
            started.append((status, answered))

        chunks = self.app(environ, start_response)
        try:
            answered = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status = int(started[0][0].split()[0])
        kept = {name.lower(): value for name, value in started[0][1] if name.lower() not in OWN_HEADERS}
        return Response(status, kept, answered, error_code(status, answered))


def wsgi_environ(call: Call, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    request = call.request
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in {**request.headers, **headers, "x-moto-account-id": call.account}.items():
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "smithy-protocol"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def error_code(status: int, body: bytes) -> str | None:
    if status < 400:
        return None
    found = XML_CODE.search(body) or JSON_TYPE.search(body)
    return found.group(1).decode() if found else None


def check_page_size(call: Call) -> None:
    """RDS takes 20 to 100 records a page; moto takes any number."""
    wanted = call.params.get("MaxRecords")
    if wanted is not None and call.operation.startswith("Describe") and not 20 <= int(wanted) <= 100:
        raise AwsError("InvalidParameterValue", f"Invalid value {wanted} for MaxRecords. Must be between 20 and 100")


def tagged_resources(account: str, region: str, query: Query) -> list[Tagged]:
    """What GetResources finds in moto; runs in moto's thread."""
    from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

    backend = resourcegroupstaggingapi_backends[account][region]
    found = backend._get_resources_generator(resource_type_filters=query.types or None)
    return [(one.arn, dict(one.tags)) for one in found if query.wants(one.arn, one.tags)]


def forget_account(account: str) -> None:
    """Removes all that moto keeps for the account; runs in moto's thread."""
    from moto.core.base_backend import BackendDict

    for backends in list(BackendDict._instances):  # type: ignore[misc]
        backends.pop(account, None)
