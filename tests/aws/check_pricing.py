"""Checks of the price list: filters, pages, refusals, and what a naive reader would fall for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from check_case import Case

TABLE = json.loads((Path(__file__).parent / "price_table.json").read_text(encoding="utf-8"))
LINUX = {
    "regionCode": "eu-west-1", "instanceType": "m5.large", "operation": "RunInstances", "tenancy": "Shared",
    "capacitystatus": "Used", "marketoption": "OnDemand",
}  # fmt: skip


def filters(**wanted: str) -> list[dict[str, str]]:
    return [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]


def dollars(document: dict[str, Any]) -> str:
    (term,) = document["terms"]["OnDemand"].values()
    (rate,) = term["priceDimensions"].values()
    return str(rate["pricePerUnit"]["USD"])


class Prices(Case):
    def setUp(self) -> None:
        super().setUp()
        self.pricing = self.client("pricing")

    def products(self, service: str, **wanted: str) -> list[dict[str, Any]]:
        pages = self.pricing.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters(**wanted))
        return [json.loads(text) for page in pages for text in page["PriceList"]]

    def test_one_sku_an_instance_type(self) -> None:
        (found,) = self.products("AmazonEC2", **LINUX)
        self.assertEqual(dollars(found), TABLE["eu-west-1"]["instances"]["m5.large"]["hour"]["RunInstances"])
        self.assertEqual(found["product"]["attributes"]["usagetype"], "EU-BoxUsage:m5.large")
        self.assertEqual(sorted(found["terms"]), ["OnDemand", "Reserved"])
        sql = self.products("AmazonEC2", **{**LINUX, "operation": "RunInstances:0006"})
        self.assertEqual([one["product"]["attributes"]["preInstalledSw"] for one in sql], ["SQL Std"])

    def test_what_too_few_filters_find(self) -> None:
        without = {name: value for name, value in LINUX.items() if name not in ("capacitystatus", "marketoption")}
        found = [(one["product"]["attributes"]["capacitystatus"], dollars(one)) for one in self.products("AmazonEC2", **without)]
        price = TABLE["eu-west-1"]["instances"]["m5.large"]["hour"]["RunInstances"]
        self.assertEqual(
            found,
            [
                ("AllocatedCapacityReservation", "0.0000000000"),
                ("UnusedCapacityReservation", price),
                ("Used", price),
                ("Used", "0.0000000000"),  # of a capacity block
            ],
        )

    def test_every_sku_is_there_once(self) -> None:
        for service in ("AmazonEC2", "AmazonRDS", "AmazonVPC"):
            skus = [one["product"]["sku"] for one in self.products(service)]
            self.assertEqual(len(skus), len(set(skus)), service)

    def test_pages(self) -> None:
        first = self.pricing.get_products(ServiceCode="AmazonEC2", Filters=filters(regionCode="us-east-1"))
        self.assertEqual(len(first["PriceList"]), 100)
        small = self.pricing.get_products(ServiceCode="AmazonEC2", Filters=filters(regionCode="us-east-1"), MaxResults=7)
        self.assertEqual(small["PriceList"], first["PriceList"][:7])
        count = len(self.products("AmazonEC2", regionCode="us-east-1"))
        self.assertGreater(count, 200)
        self.assertEqual(self.control("GET", "calls")["counts"]["pricing:GetProducts"], 2 + -(-count // 100))
        self.refused(
            "InvalidNextTokenException", self.pricing.get_products, ServiceCode="AmazonEC2", NextToken="bm9uZQ=="
        )

    def test_refusals(self) -> None:
        self.refused("InvalidParameterException", self.pricing.get_products, ServiceCode="AmazonEC2", MaxResults=101)
        elsewhere = self.client("pricing", "eu-west-1")
        self.refused("InvalidParameterException", elsewhere.get_products, ServiceCode="AmazonEC2")
        self.control("POST", "faults", [{"kind": "denied", "service": "pricing", "operation": "GetProducts"}])
        self.refused("AccessDeniedException", self.pricing.get_products, ServiceCode="AmazonEC2")

    def test_storage_has_its_units(self) -> None:
        found = self.products("AmazonEC2", regionCode="us-east-1", productFamily="Provisioned Throughput")
        (term,) = found[0]["terms"]["OnDemand"].values()
        (rate,) = term["priceDimensions"].values()
        self.assertEqual((rate["unit"], rate["pricePerUnit"]), ("GiBps-mo", {"USD": "40.9600000000"}))
        snapshots = self.products("AmazonEC2", regionCode="us-east-1", productFamily="Storage Snapshot")
        self.assertEqual(len(snapshots), 6)
        idle = self.products("AmazonVPC", regionCode="us-east-1", group="VPCPublicIPv4Address")
        self.assertEqual({"productFamily"} & set(idle[0]["product"]), set())

    def test_a_test_changes_the_list(self) -> None:
        changed = self.control("POST", "prices", {"set": [{"where": LINUX, "usd": "9.0000000000"}]})
        self.assertEqual(changed["set"], 1)
        self.assertEqual([dollars(one) for one in self.products("AmazonEC2", **LINUX)], ["9.0000000000"])
        self.control("POST", "prices", {"drop": [LINUX]})
        self.assertEqual(self.products("AmazonEC2", **LINUX), [])
        (found,) = self.products("AmazonEC2", **{**LINUX, "regionCode": "us-east-1"})
        self.control("POST", "prices", {"replace": [found], "add": [found]})
        self.assertEqual(len(self.products("AmazonEC2")), 2)
        self.control("POST", "reset")
        self.assertEqual(len(self.products("AmazonEC2", **LINUX)), 1)
