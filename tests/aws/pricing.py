"""GetProducts of AWS's price list, over a list that each account may change.

Sources: the API reference of GetProducts (100 a page, filters are all of them met, JSON texts) and "Finding services and
products using the AWS Price List Query API" in the AWS Billing user guide (its endpoints). That a field which no product has finds nothing is inferred.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from calls import Call
from http_server import Response
from price_list import Document, standard_list
from protocols import AwsError, json_answer
from service_models import service_model, violations

if TYPE_CHECKING:
    from accounts import Account

ENDPOINTS = ("us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1")
PAGE = 100
MATCHES = {
    "TERM_MATCH": lambda found, wanted: found == wanted,
    "EQUALS": lambda found, wanted: found == wanted,
    "CONTAINS": lambda found, wanted: wanted in found,
    "ANY_OF": lambda found, wanted: found in wanted.split(","),
    "NONE_OF": lambda found, wanted: found not in wanted.split(","),
}


class PriceList:
    """What AWS sells, as one account sees it. Everybody begins with the list of `price_table.json`."""

    def __init__(self, documents: Iterable[Document]):
        self.documents = [(facts_of(one), one, json.dumps(one)) for one in documents]

    def add(self, documents: Iterable[Document]) -> None:
        self.documents += PriceList(documents).documents

    def drop(self, wanted: dict[str, str]) -> int:
        """Takes away what has all of these attributes (or product family, or service code)."""
        kept = [one for one in self.documents if any(one[0].get(name) != value for name, value in wanted.items())]
        dropped = len(self.documents) - len(kept)
        self.documents = kept
        return dropped

    def set_price(self, wanted: dict[str, str], dollars: str) -> int:
        """Gives what has all of these attributes another on-demand price."""
        changed = 0
        for place, (facts, one, _) in enumerate(self.documents):
            if all(facts.get(name) == value for name, value in wanted.items()):
                copy = json.loads(json.dumps(one))
                for term in copy["terms"].get("OnDemand", {}).values():
                    for rate in term["priceDimensions"].values():
                        rate["pricePerUnit"] = {"USD": dollars}
                self.documents[place] = (facts, copy, json.dumps(copy))
                changed += 1
        return changed


def facts_of(one: Document) -> dict[str, str]:
    product = one["product"]
    family = {"productFamily": product["productFamily"]} if "productFamily" in product else {}
    return {**product["attributes"], **family, "ServiceCode": one["serviceCode"]}


_standard: list[PriceList] = []


def standard() -> PriceList:
    """A list of one's own that begins with the standard one; its documents are made once."""
    if not _standard:
        _standard.append(PriceList(standard_list()))
    own = PriceList(())
    own.documents = list(_standard[0].documents)
    return own


def answer(call: Call, account: Account) -> Response:
    if call.operation != "GetProducts":
        raise AwsError("NotImplemented", f"the emulator's price list does not know {call.operation}", 501)
    if call.region not in ENDPOINTS:
        raise AwsError("InvalidParameterException", f"the price list has no endpoint in {call.region}")
    params = call.params
    for problem in violations(service_model("pricing"), "GetProducts", params):
        raise AwsError("InvalidParameterException", f"1 validation error detected: {problem}")
    filters = params.get("Filters") or []
    service = params["ServiceCode"]
    found = [
        text
        for facts, _, text in account.price_list().documents
        if facts["ServiceCode"] == service and all(passes(facts, one) for one in filters)
    ]
    start, size = page_start(params.get("NextToken")), params.get("MaxResults") or PAGE
    body: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": found[start : start + size]}
    if start + size < len(found):
        body["NextToken"] = base64.b64encode(f"from {start + size}".encode()).decode()
    return json_answer(body)


def passes(facts: dict[str, str], wanted: dict[str, str]) -> bool:
    found = facts.get(wanted["Field"])
    return found is not None and MATCHES[wanted["Type"]](found, wanted["Value"])


def page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, _, number = base64.b64decode(token, validate=True).decode().partition(" ")
        if word == "from":
            return int(number)
    except ValueError:
        pass
    raise AwsError("InvalidNextTokenException", "The pagination token is invalid. Try again without a pagination token.")


def change(account: Account, body: dict[str, Any]) -> dict[str, int]:
    """What a test orders: `replace` and `add` take documents, `drop` and `set` what attributes say."""
    prices = account.price_list()
    unknown = set(body) - {"replace", "add", "drop", "set"}
    if unknown:
        raise ValueError(f"prices are changed by replace, add, drop and set, not by {', '.join(sorted(unknown))}")
    if "replace" in body:
        prices.documents = PriceList(body["replace"]).documents
    dropped = sum(prices.drop(one) for one in body.get("drop") or [])
    changed = sum(prices.set_price(one["where"], one["usd"]) for one in body.get("set") or [])
    prices.add(body.get("add") or [])
    return {"products": len(prices.documents), "dropped": dropped, "set": changed}
