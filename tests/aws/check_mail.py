"""Checks of SES v2: what is sent, what is refused, and what a lost answer leaves behind."""

from __future__ import annotations

import time
from email.message import EmailMessage
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from check_case import Case


TOO_MANY = "TooManyRequestsException"


def simple(**more: Any) -> dict[str, Any]:
    body = {"Text": {"Data": "plain\n"}, "Html": {"Data": "<p>ä</p>", "Charset": "UTF-8"}}
    return {"Simple": {"Subject": {"Data": "Expired – 3", "Charset": "UTF-8"}, "Body": body, **more}}


class Mails(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ses = self.client("sesv2")

    def send(self, *to: str, sender: str = "ops@example.com", client: Any = None, **more: Any) -> str:
        params = {"Content": simple(), "Destination": {"ToAddresses": list(to or ("a@example.org",))}, **more}
        return str((client or self.ses).send_email(FromEmailAddress=sender, **params)["MessageId"])

    def mails(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "mails")["mails"])

    def options(self, **mail: Any) -> None:
        self.control("POST", "options", {"mail": mail})

    def test_a_simple_mail(self) -> None:
        ident = self.send(
            sender="Ops <ops@example.com>",
            Destination={
                "ToAddresses": ["a@x.org", "b@x.org"],
                "CcAddresses": ["c@x.org"],
                "BccAddresses": ["d@x.org"],
            },
            ReplyToAddresses=["noc@example.com"],
            Content=simple(Headers=[{"Name": "X-Run", "Value": "7"}]),
            ConfigurationSetName="audit",
            EmailTags=[{"Name": "kind", "Value": "tags"}],
        )
        (mail,) = self.mails()
        self.assertLess(time.time() - mail.pop("time"), 60)
        self.assertEqual(
            mail,
            {
                "id": ident, "region": "us-east-1", "from": "Ops <ops@example.com>", "to": ["a@x.org", "b@x.org"],
                "cc": ["c@x.org"], "bcc": ["d@x.org"], "recipients": ["a@x.org", "b@x.org", "c@x.org", "d@x.org"],
                "reply_to": ["noc@example.com"], "subject": "Expired – 3", "text": "plain\n", "html": "<p>ä</p>",
                "headers": [["X-Run", "7"]], "attachments": [], "raw": None, "configuration_set": "audit",
                "email_tags": {"kind": "tags"},
            },
        )  # fmt: skip
        entry = self.control("GET", "calls")["log"][0]
        self.assertEqual((entry["service"], entry["operation"], entry["resources"]), ("ses", "SendEmail", 4))
        self.control("POST", "mails/clear")
        self.assertEqual(self.mails(), [])

    def test_a_raw_mail(self) -> None:
        message = EmailMessage()
        message["From"], message["To"] = "Ops <ops@example.com>", "a@x.org, Bé <b@x.org>"
        message["Cc"], message["Bcc"], message["Subject"] = "c@x.org", "d@x.org", "Größe – überfällig " * 5
        message.set_content("Größe\n", cte="quoted-printable")
        message.add_alternative("<b>Größe</b>", subtype="html")
        message.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="tags.csv")
        self.ses.send_email(Content={"Raw": {"Data": message.as_bytes()}})
        (mail,) = self.mails()
        self.assertEqual(
            (mail["from"], mail["to"], mail["bcc"]), (message["From"], ["a@x.org", "b@x.org"], ["d@x.org"])
        )
        self.assertEqual(mail["recipients"], ["a@x.org", "b@x.org", "c@x.org", "d@x.org"])
        self.assertEqual((mail["subject"], mail["text"]), (str(message["Subject"]), "Größe\n"))
        self.assertEqual(mail["html"].strip(), "<b>Größe</b>")
        self.assertEqual(mail["attachments"], [{"name": "tags.csv", "type": "text/csv", "data": "YSxiCg=="}])
        self.assertIn("Content-Type: multipart/mixed", mail["raw"])
        self.assertNotIn("Bcc", [name for name, _ in mail["headers"]])
        self.ses.send_email(Content={"Raw": {"Data": message.as_bytes()}}, Destination={"ToAddresses": ["z@x.org"]})
        self.assertEqual(self.mails()[1]["recipients"], ["z@x.org"])
        for wrong in (b"To: a@x.org\n\nx", b"From: a@x.org\nTo: b@x.org\nSubject: 1\nSubject: 2\n\nx"):
            self.refused("BadRequestException", self.ses.send_email, Content={"Raw": {"Data": wrong}})

    def test_what_is_refused(self) -> None:
        fifty = [f"a{number}@example.org" for number in range(50)]
        self.send(*fifty)
        self.refused("BadRequestException", self.send, sender="ops@example.com", **{
            "Destination": {"ToAddresses": fifty, "BccAddresses": ["one@example.org"]}
        })  # fmt: skip
        for address in ("nobody", "a@localhost", "a b@example.org", "ä@example.org", "a@x.org, b@x.org"):
            with self.subTest(address):
                error = self.refused("BadRequestException", lambda to=address: self.send(to))
                self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.refused("BadRequestException", self.send, Destination={})
        self.options(configuration_sets=["audit"])
        self.send(ConfigurationSetName="audit")
        self.refused("NotFoundException", self.send, ConfigurationSetName="other")
        self.options(sending=False)
        self.refused("SendingPausedException", self.send)
        self.assertEqual(len(self.mails()), 2)

    def test_verified_identities_and_the_sandbox(self) -> None:
        self.options(verified=["ops@example.com", "Example.org"])
        self.send("anyone@anywhere.net")
        self.send(sender="Audit <audit@mail.example.org>")
        error = self.refused("MessageRejected", self.send, sender="Else <else@example.com>")
        text = "The following identities failed the check in region US-EAST-1: Else <else@example.com>"
        self.assertIn(text, str(error))
        self.options(verified=["ops@example.com", "example.org"], sandbox=True, rate=100)
        self.send("a@example.org", "success@simulator.amazonses.com")
        error = self.refused("MessageRejected", lambda: self.send("a@example.org", "b@example.net"))
        self.assertIn("US-EAST-1: b@example.net", str(error))
        told = self.ses.get_account()
        self.assertIs(told["ProductionAccessEnabled"], False)
        self.assertEqual(told["SendQuota"], {"Max24HourSend": 200.0, "MaxSendRate": 100.0, "SentLast24Hours": 4.0})

    def test_rate_and_daily_quota_count_recipients(self) -> None:
        quota = self.ses.get_account()["SendQuota"]
        self.assertEqual(quota, {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0})
        self.options(rate=10)
        began = time.monotonic()
        self.send(*[f"a{number}@example.org" for number in range(14)])
        error = self.refused(TOO_MANY, self.send)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 429)
        self.assertIn("Maximum sending rate exceeded.", str(error))

        def passes() -> bool:
            try:
                return bool(self.send())
            except ClientError:
                return False

        self.soon(passes)
        self.assertGreater(time.monotonic() - began, 0.45)
        self.options(daily=15)
        self.refused(TOO_MANY, self.send)
        self.assertEqual([len(mail["recipients"]) for mail in self.mails()], [14, 1])

    def test_regions_are_on_their_own(self) -> None:
        ireland = self.client("sesv2", "eu-west-1")
        self.control("POST", "options", {"mail": {}, "mail_in": {"eu-west-1": {"sandbox": True}}})
        self.send()
        self.refused("MessageRejected", self.send, client=ireland)
        told = ireland.get_account()
        self.assertEqual((told["SendQuota"]["MaxSendRate"], told["ProductionAccessEnabled"]), (1.0, False))
        self.assertIs(self.ses.get_account()["ProductionAccessEnabled"], True)
        self.assertEqual([mail["region"] for mail in self.mails()], ["us-east-1"])

    def test_faults(self) -> None:
        self.control(
            "POST",
            "faults",
            [
                {"operation": "SendEmail", "kind": "drop_after", "key": "lost@example.org"},
                {"operation": "SendEmail", "kind": "drop", "key": "never@example.org"},
                {"operation": "SendEmail", "kind": "error", "status": 503, "code": "ServiceUnavailable", "times": 1},
                {"operation": "SendEmail", "kind": "bucket", "rate": 0, "burst": 1, "code": TOO_MANY, "status": 429},
            ],
        )
        for address in ("lost@example.org", "never@example.org"):
            self.assertRaises(ConnectionClosedError, self.send, address)
        error = self.refused("ServiceUnavailable", self.send)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 503)
        self.send("b@example.org")
        self.refused(TOO_MANY, self.send)
        self.assertEqual([mail["to"] for mail in self.mails()], [["lost@example.org"], ["b@example.org"]])
        self.assertEqual(self.control("GET", "calls")["counts"], {"ses:SendEmail": 5})
        statuses = [entry["status"] for entry in self.control("GET", "calls")["log"]]
        self.assertEqual(statuses, [0, 0, 503, 200, 429])
