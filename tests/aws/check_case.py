"""The emulator as a child process, and what every check of it needs: clients of an account of its own."""

from __future__ import annotations

import atexit
import http.client
import itertools
import json
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any

import boto3
import botocore.model
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
ACCOUNTS = (f"{number:012d}" for number in itertools.count(700000000001))
ALARM: dict[str, Any] = {
    "MetricName": "CPUUtilization",
    "Namespace": "AWS/EC2",
    "Statistic": "Average",
    "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    "Period": 300,
    "EvaluationPeriods": 3,
    "Threshold": 80.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


class Emulator:
    """The emulator as a child process, as tests start it."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "emulator.py")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = json.loads(self.process.stdout.readline())["port"]

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=5)
        self.process.stdout.close()


class Case(unittest.TestCase):
    """Each test has an account of its own; all of them share one emulator."""

    emulator: Emulator
    protocol = "json"

    @classmethod
    def setUpClass(cls) -> None:
        if not hasattr(Case, "emulator"):
            Case.emulator = Emulator()
            atexit.register(Case.emulator.stop)

    def setUp(self) -> None:
        self.account = next(ACCOUNTS)

    def client(self, service: str, region: str = "us-east-1", key: str | None = None) -> Any:
        chosen = botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
        if self.protocol == "cbor":
            botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("smithy-rpc-v2-cbor",)
        try:
            made = boto3.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{self.emulator.port}",
                aws_access_key_id=key or f"AKIA{self.account}TEST",
                aws_secret_access_key="not-a-secret",
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=40),
            )
        finally:
            botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = chosen
        self.addCleanup(made.close)
        return made

    def control(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port)
        connection.request(method, f"/_control/{self.account}/{path}", None if body is None else json.dumps(body))
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        self.assertEqual(answer.status, 200, told)
        return told

    def seed(self, region: str = "us-east-1", **wanted: Any) -> Any:
        """Gives the ids of what was made in the region."""
        return self.control("POST", "seed", {"regions": {region: wanted}})["regions"][region]

    def refused(self, code: str, call: Any, **params: Any) -> ClientError:
        with self.assertRaises(ClientError) as raised:
            call(**params)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        return raised.exception

    def soon(self, condition: Any) -> None:
        for _ in range(200):
            if condition():
                return
            time.sleep(0.02)
        self.fail("it did not happen in 4 s")
