"""Checks of the faults, the call log, the control path, and of how the emulator starts and ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from check_case import ALARM, HERE, Case, Emulator


class Faults(Case):
    def setUp(self) -> None:
        super().setUp()
        self.cloudwatch = self.client("cloudwatch")

    def order(self, *faults: dict[str, Any]) -> None:
        self.control("POST", "faults", list(faults))

    def put(self, name: str) -> None:
        self.cloudwatch.put_metric_alarm(AlarmName=name, **ALARM)

    def stored(self) -> list[str]:
        return [alarm["AlarmName"] for alarms in self.control("GET", "alarms").values() for alarm in alarms]

    def statuses(self) -> list[Any]:
        return [entry["status"] for entry in self.control("GET", "calls")["log"]]

    def test_errors_in_each_protocol(self) -> None:
        self.order({"operation": "*", "kind": "error", "code": "AccessDenied", "status": 403, "message": "not <you>"})
        calls = [
            self.client("ec2").describe_instances,
            self.client("rds").describe_db_instances,
            self.client("sts").get_caller_identity,
            self.client("resourcegroupstaggingapi").get_resources,
            self.cloudwatch.describe_alarms,
        ]
        for call in calls:
            error = self.refused("AccessDenied", call).response
            self.assertEqual(error["Error"]["Message"], "not <you>")
            self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.order()
        calls[0]()
        self.assertEqual(self.control("GET", "calls")["counts"]["ec2:DescribeInstances"], 2)

    def test_a_denied_region_in_each_protocol(self) -> None:
        self.order({"operation": "*", "region": "eu-west-1", "kind": "denied"})
        denied = [
            ("UnauthorizedOperation", "ec2", "describe_volumes"),
            ("AccessDenied", "rds", "describe_db_clusters"),
            ("AccessDenied", "sts", "get_caller_identity"),
            ("AccessDenied", "cloudwatch", "describe_alarms"),
            ("AccessDeniedException", "resourcegroupstaggingapi", "get_resources"),
            ("AccessDeniedException", "sesv2", "get_account"),
        ]
        for code, service, operation in denied:
            error = self.refused(code, getattr(self.client(service, "eu-west-1"), operation)).response
            tagging = service == "resourcegroupstaggingapi"
            self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400 if tagging else 403)
            self.assertIn(f"arn:aws:iam::{self.account}:user/tester is not authorized to", error["Error"]["Message"])
            getattr(self.client(service), operation)()
        self.assertEqual(self.control("GET", "calls")["counts"]["tagging:GetResources"], 2)

    def test_every_call_of_an_account_can_be_slow(self) -> None:
        self.control("POST", "options", {"delay": 50})
        ec2 = self.client("ec2")
        ec2.describe_volumes()
        began = time.monotonic()
        with ThreadPoolExecutor(40) as threads:
            list(threads.map(lambda _: ec2.describe_volumes(), range(40)))
        self.assertGreater(time.monotonic() - began, 0.05)
        self.assertLess(time.monotonic() - began, 1.5)
        self.order({"operation": "*", "kind": "denied"})
        began = time.monotonic()
        self.refused("UnauthorizedOperation", ec2.describe_volumes)
        self.assertGreater(time.monotonic() - began, 0.05)
        self.control("POST", "options", {"delay": 0})
        self.assertEqual(set(self.control("GET", "calls")["counts"].values()), {42})

    def test_skip_times_region_and_service(self) -> None:
        self.order(
            {"operation": "PutMetricAlarm", "region": "eu-west-1", "kind": "error", "code": "X", "status": 400},
            {"operation": "*", "service": "sts", "kind": "error", "code": "Y", "status": 400},
            {
                "operation": "PutMetricAlarm",
                "skip": 1,
                "times": 2,
                "kind": "error",
                "code": "InternalFailure",
                "status": 500,
            },
        )
        for name in "abcd":
            with contextlib.suppress(ClientError):
                self.put(name)
        self.assertEqual((self.stored(), self.statuses()), (["a", "d"], [200, 500, 500, 200]))
        self.refused("X", self.client("cloudwatch", "eu-west-1").put_metric_alarm, AlarmName="e", **ALARM)
        self.refused("Y", self.client("sts").get_caller_identity)

    def test_lost_answers(self) -> None:
        self.order(
            {"operation": "PutMetricAlarm", "key": "before", "kind": "drop"},
            {"operation": "PutMetricAlarm", "key": "after", "kind": "drop_after"},
        )
        for name in ("before", "after"):
            self.assertRaises(ConnectionClosedError, self.put, name)
        self.assertEqual((self.stored(), self.statuses()), (["after"], [0, 0]))

    def test_latency_and_updates_in_progress(self) -> None:
        self.order({"operation": "PutMetricAlarm", "kind": "latency", "ms": 300, "times": 1})
        slow = threading.Thread(target=self.put, args=("a",))
        began = time.monotonic()
        slow.start()
        self.soon(lambda: self.statuses() == [None])
        error = self.refused("ValidationError", self.put, name="a")
        self.assertIn("A separate request to update this alarm is in progress", str(error))
        slow.join()
        self.assertGreater(time.monotonic() - began, 0.3)
        self.put("a")
        self.assertEqual(self.statuses(), [200, 400, 200])

    def test_a_bucket_is_exact(self) -> None:
        self.order({"operation": "PutMetricAlarm", "kind": "bucket", "rate": 40, "burst": 10})
        began = time.monotonic()

        def try_one(number: int) -> str:
            try:
                self.put(f"a{number}")
                return ""
            except ClientError as error:
                return str(error.response["Error"]["Code"])

        with ThreadPoolExecutor(32) as threads:
            answers = list(threads.map(try_one, range(300)))
        self.assertEqual(set(answers), {"", "Throttling"})
        passed, allowed = answers.count(""), 10 + 40 * (time.monotonic() - began)
        self.assertLessEqual(passed, allowed)
        self.assertGreater(passed, min(300, allowed * 0.8) - 10)
        self.assertEqual(passed, len(self.stored()))

    def test_held_calls(self) -> None:
        self.order(
            {"operation": "PutMetricAlarm", "key": "before", "kind": "hold_before"},
            {"operation": "PutMetricAlarm", "key": "after", "kind": "hold_after"},
        )
        threads = [threading.Thread(target=self.put, args=(name,)) for name in ("before", "after")]
        for thread in threads:
            thread.start()
        self.soon(lambda: self.control("GET", "held")["held"] == 2)
        self.assertEqual(self.stored(), ["after"])
        self.assertEqual(self.control("POST", "release")["released"], 2)
        for thread in threads:
            thread.join()
        self.assertEqual((self.stored(), self.statuses()), (["after", "before"], [200, 200]))

    def test_clients_that_are_killed(self) -> None:
        """In the middle of a request nothing was asked; while it is held nothing is carried out."""
        head = (
            "POST / HTTP/1.1\r\nx-amz-target: GraniteServiceVersion20100801.PutMetricAlarm\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential=AKIA{self.account}/1/us-east-1/monitoring/aws4_request, x\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.emulator.port)) as cut:
            cut.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        self.order({"operation": "*", "kind": "hold_before"})
        with socket.create_connection(("127.0.0.1", self.emulator.port)) as held:
            body = '{"AlarmName": "a"}'
            held.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
            self.soon(lambda: self.control("GET", "held")["held"] == 1)
        self.soon(lambda: self.control("GET", "held")["held"] == 0)
        self.assertEqual((self.stored(), self.statuses()), ([], [0]))

    def test_the_console_is_not_counted(self) -> None:
        self.put("a")
        self.control("POST", "alarms/us-east-1", {**ALARM, "AlarmName": "b", "Threshold": 5, "Tags": {"k": "v"}})
        self.control(
            "POST", "alarms/us-east-1/edit", {"AlarmName": "a", "set": {"Threshold": 7, "ActionsEnabled": False}}
        )
        alarms = self.control("GET", "alarms")["us-east-1"]
        self.assertEqual(
            [(one["Threshold"], one["ActionsEnabled"], one["Tags"]) for one in alarms],
            [(7, False, {}), (5, True, {"k": "v"})],
        )
        self.control("POST", "alarms/us-east-1/edit", {"AlarmName": "a", "delete": True})
        self.assertEqual(self.stored(), ["b"])
        self.assertEqual(self.control("GET", "calls")["counts"], {"cloudwatch:PutMetricAlarm": 1})
        self.control("POST", "calls/clear")
        self.assertEqual(self.control("GET", "calls"), {"counts": {}, "log": []})

    def test_reset_empties_the_account(self) -> None:
        self.put("a")
        self.order({"operation": "*", "kind": "error", "code": "X", "status": 400})
        self.control("POST", "seed", {"regions": {"us-east-1": {"instances": [{"name": "web"}]}}})
        self.control("POST", "reset")
        self.assertEqual(self.control("GET", "calls")["counts"], {})
        self.assertEqual(self.client("ec2").describe_instances()["Reservations"], [])
        self.assertEqual(self.cloudwatch.describe_alarms()["MetricAlarms"], [])

    def test_it_ends_with_its_parent(self) -> None:
        Emulator().stop()
        script = (
            f"import sys, time; sys.path.insert(0, {str(HERE)!r}); from check_case import Emulator; "
            "child = Emulator(); print(child.process.pid, flush=True); time.sleep(60)"
        )
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        self.soon(lambda: not is_running(child))


def is_running(process: int) -> bool:
    """A process that has ended but that nobody waited for is a zombie (Z)."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return state != "" and not state.startswith("Z")
