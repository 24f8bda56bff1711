"""AWS's price list in its real form, made of `price_table.json`: one document a SKU, with what people trip over beside each price.

Sources: "Reading the service price list files" in the AWS Billing user guide and public copies of answers of GetProducts. Beside each
hour of an instance stand the SKUs of unused and of allocated capacity reservations (the latter for nothing), of dedicated
instances and of instances on hosts; instance SKUs carry reserved terms too. The prices are near AWS's and not AWS's.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]
ON_DEMAND, RATE = "JRTCKXETXF", "6YS6EN2CT7"
PUBLISHED = "2026-11-18T21:04:11Z"

# operation → operating system, installed software, licence ("AMI billing information fields" in the EC2 user guide)
PLATFORMS = {
    "RunInstances": ("Linux", "NA", "No License required"),
    "RunInstances:0002": ("Windows", "NA", "No License required"),
    "RunInstances:0010": ("RHEL", "NA", "No License required"),
    "RunInstances:000g": ("SUSE", "NA", "No License required"),
    "RunInstances:0006": ("Windows", "SQL Std", "No License required"),
    "RunInstances:0102": ("Windows", "SQL Ent", "No License required"),
    "RunInstances:0202": ("Windows", "SQL Web", "No License required"),
    "RunInstances:0004": ("Linux", "SQL Std", "No License required"),
    "RunInstances:0014": ("RHEL", "SQL Std", "No License required"),
    "RunInstances:0800": ("Windows", "NA", "Bring your own license"),
}
VOLUME_TYPES = {
    "standard": ("Magnetic", "EBS:VolumeUsage"),
    "gp2": ("General Purpose", "EBS:VolumeUsage.gp2"),
    "gp3": ("General Purpose", "EBS:VolumeUsage.gp3"),
    "io1": ("Provisioned IOPS", "EBS:VolumeUsage.piops"),
    "io2": ("Provisioned IOPS", "EBS:VolumeUsage.io2"),
    "st1": ("Throughput Optimized HDD", "EBS:VolumeUsage.st1"),
    "sc1": ("Cold HDD", "EBS:VolumeUsage.sc1"),
}
# engine in the table → engine, edition, licence, operation
ENGINES = {
    "mysql": ("MySQL", None, "No license required", "CreateDBInstance:0002"),
    "postgres": ("PostgreSQL", None, "No license required", "CreateDBInstance:0014"),
    "mariadb": ("MariaDB", None, "No license required", "CreateDBInstance:0018"),
    "aurora-mysql": ("Aurora MySQL", None, "No license required", "CreateDBInstance:0016"),
    "aurora-postgresql": ("Aurora PostgreSQL", None, "No license required", "CreateDBInstance:0021"),
    "oracle-se2": ("Oracle", "Standard Two", "License included", "CreateDBInstance:0020"),
    "oracle-se2 byol": ("Oracle", "Standard Two", "Bring your own license", "CreateDBInstance:0019"),
    "oracle-ee byol": ("Oracle", "Enterprise", "Bring your own license", "CreateDBInstance:0005"),
    "sqlserver-ex": ("SQL Server", "Express", "License included", "CreateDBInstance:0010"),
    "sqlserver-web": ("SQL Server", "Web", "License included", "CreateDBInstance:0011"),
    "sqlserver-se": ("SQL Server", "Standard", "License included", "CreateDBInstance:0012"),
    "sqlserver-ee": ("SQL Server", "Enterprise", "License included", "CreateDBInstance:0015"),
}
# storage in the table → volume type, usage type of one zone
DATABASE_STORAGE = {
    "standard": ("Magnetic", "StorageUsage"),
    "gp2": ("General Purpose", "GP2-Storage"),
    "gp3": ("General Purpose-GP3", "GP3-Storage"),
    "io1": ("Provisioned IOPS", "PIOPS-Storage"),
    "io2": ("Provisioned IOPS-IO2", "PIOPS-Storage-IO2"),
}
DATABASE_IOPS = {"gp3": "GP3-PIOPS", "io1": "PIOPS", "io2": "IO2-PIOPS"}
# deployment → what its usage types begin with, and how many copies are paid
DEPLOYMENTS = {
    "Single-AZ": ("RDS:", 1),
    "Multi-AZ": ("RDS:Multi-AZ-", 2),
    "Multi-AZ (SQL Server Mirror)": ("RDS:Mirror-", 2),
    "Multi-AZ (readable standbys)": ("RDS:Multi-AZCluster-", 3),
}


@functools.cache
def standard_list() -> tuple[Document, ...]:
    table = json.loads((Path(__file__).parent / "price_table.json").read_text(encoding="utf-8"))
    return tuple(document for region, facts in table.items() for document in region_list(region, facts))


def region_list(region: str, facts: dict[str, Any]) -> Iterator[Document]:
    place = Place(region, facts["location"], facts["prefix"])
    for kind, one in facts["instances"].items():
        for operation, price in one["hour"].items():
            yield from place.instance(kind, one, operation, price)
    yield from place.storage(facts)
    yield from place.addresses(facts["idle_address"])
    for kind, engines in facts["databases"].items():
        for engine, price in engines.items():
            yield from place.database(kind, engine, price)
    yield from place.database_storage(facts)


class Place:
    """One region of the list."""

    def __init__(self, region: str, location: str, prefix: str):
        self.region, self.location, self.prefix = region, location, prefix

    def document(
        self, service: str, family: str | None, usage: str, price: tuple[str, str], **more: str | None
    ) -> Document:
        """`price` is unit and dollars. Attributes that are None are left out."""
        attributes = {
            "servicecode": service,
            "location": self.location,
            "locationType": "AWS Region",
            "regionCode": self.region,
            "usagetype": usage,
            **more,
        }
        return document(service, family, {name: value for name, value in attributes.items() if value is not None}, price)

    def instance(self, kind: str, one: dict[str, Any], operation: str, price: str) -> Iterator[Document]:
        system, software, licence = PLATFORMS[operation]
        facts = {
            "instanceType": kind, "vcpu": one["vcpu"], "memory": one["memory"], "operatingSystem": system,
            "preInstalledSw": software, "licenseModel": licence, "operation": operation,
            "marketoption": "OnDemand", "availabilityzone": "NA", "currentGeneration": "Yes",
        }  # fmt: skip

        def row(usage: str, tenancy: str, status: str, dollars: str) -> Document:
            named = {**facts, "tenancy": tenancy, "capacitystatus": status}
            usage = f"{self.prefix}{usage}:{kind}"
            return self.document("AmazonEC2", "Compute Instance", usage, ("Hrs", dollars), **named)

        dedicated = f"{float(price) * 1.1:.10f}"
        used = row("BoxUsage", "Shared", "Used", price)
        used["terms"]["Reserved"] = reserved(used["product"]["sku"], price)
        yield row("Reservation", "Shared", "AllocatedCapacityReservation", "0.0000000000")
        yield row("UnusedBox", "Shared", "UnusedCapacityReservation", price)
        yield used
        yield row("DedicatedUsage", "Dedicated", "Used", dedicated)
        yield row("DedicatedRes", "Dedicated", "AllocatedCapacityReservation", "0.0000000000")
        yield row("UnusedDed", "Dedicated", "UnusedCapacityReservation", dedicated)
        yield row("HostBoxUsage", "Host", "Used", "0.0000000000")
        block = {**facts, "tenancy": "Shared", "capacitystatus": "Used", "marketoption": "CapacityBlock"}
        usage = f"{self.prefix}BoxUsage:{kind}"
        yield self.document("AmazonEC2", "Compute Instance", usage, ("Hrs", "0.0000000000"), **block)

    def storage(self, facts: dict[str, Any]) -> Iterator[Document]:
        def row(family: str, usage: str, unit: str, dollars: str, **more: str) -> Document:
            return self.document("AmazonEC2", family, f"{self.prefix}{usage}", (unit, dollars), **more)

        for name, price in facts["volumes"].items():
            kind, usage = VOLUME_TYPES[name]
            yield row("Storage", usage, "GB-Mo", price, volumeApiName=name, volumeType=kind)
        outposts = row("Storage", "EBS:VolumeUsage.gp2", "GB-Mo", "0.3000000000", volumeApiName="gp2")
        outposts["product"]["attributes"]["locationType"] = "AWS Outposts"
        yield renamed(outposts)
        for name, tiers in facts["iops"].items():
            names = {"gp3": "gp3", "io1": "piops", "io2": "io2"}
            for tier, price in enumerate(tiers, 1):
                usage = f"EBS:VolumeP-IOPS.{names[name]}" + (f".tier{tier}" if tier > 1 else "")
                group = "EBS IOPS" if tier == 1 else f"EBS IOPS Tier {tier}"
                yield row("System Operation", usage, "IOPS-Mo", price, volumeApiName=name, group=group)
        yield row("System Operation", "EBS:VolumeIOUsage", "IOs", "0.0000000500", volumeApiName="standard")
        yield row("System Operation", "EBS:VolumeIOUsage", "IOs", "0.0000000000", group="EBS I/O Requests")
        throughput = facts["gp3_throughput_gibps"]
        usage = "EBS:VolumeP-Throughput.gp3"
        yield row("Provisioned Throughput", usage, "GiBps-mo", throughput, volumeApiName="gp3", group="EBS Throughput")
        for usage, unit, price in (
            ("EBS:SnapshotArchiveRetrieval", "GB", "0.0300000000"),
            ("EBS:SnapshotArchiveStorage", "GB-Mo", facts["archived_snapshot"]),
            ("EBS:SnapshotArchiveEarlyDelete", "GB-Mo", facts["archived_snapshot"]),
            ("EBS:SnapshotUsage", "GB-Mo", facts["snapshot"]),
            ("EBS:SnapshotUsage.outposts", "GB-Mo", "0.0950000000"),
            ("EBS:SnapshotUsageUnderBilling", "GB-Mo", "0.0000000000"),
        ):
            yield row("Storage Snapshot", usage, unit, price, storageMedia="Amazon S3")

    def addresses(self, price: str) -> Iterator[Document]:
        """These have no product family, and a prefix in us-east-1 too."""
        prefix = self.prefix or "USE1-"
        for usage, dollars in (("InUseAddress", price), ("IdleAddress", price), ("ContiguousBlock", "0.0080000000")):
            name = f"{prefix}PublicIPv4:{usage}"
            yield self.document("AmazonVPC", None, name, ("Hrs", dollars), group="VPCPublicIPv4Address")

    def database(self, kind: str, engine: str, price: str) -> Iterator[Document]:
        name, edition, licence, operation = ENGINES[engine]
        facts = {
            "instanceType": kind, "databaseEngine": name, "databaseEdition": edition, "licenseModel": licence,
            "operation": operation,
        }  # fmt: skip

        def row(usage: str, deployment: str, dollars: str) -> Document:
            named = {**facts, "deploymentOption": deployment}
            usage = f"{self.prefix}{usage}:{kind}"
            return self.document("AmazonRDS", "Database Instance", usage, ("Hrs", dollars), **named)

        single = row("InstanceUsage", "Single-AZ", price)
        single["terms"]["Reserved"] = reserved(single["product"]["sku"], price)
        yield single
        if name.startswith("Aurora"):
            yield row("InstanceUsageIOOptimized", "Single-AZ", f"{float(price) * 1.3:.10f}")
            return
        yield row("Multi-AZUsage", "Multi-AZ", f"{float(price) * 2:.10f}")
        if name == "SQL Server":
            yield row("Multi-AZUsage", "Multi-AZ (SQL Server Mirror)", f"{float(price) * 2:.10f}")
        if engine in ("mysql", "postgres"):
            yield row("Multi-AZClusterUsage", "Multi-AZ (readable standbys)", f"{float(price) * 2.5:.10f}")
        outposts = row("InstanceUsage", "Single-AZ", f"{float(price) * 0.4:.10f}")
        outposts["product"]["attributes"]["locationType"] = "AWS Outposts"
        yield renamed(outposts)

    def database_storage(self, facts: dict[str, Any]) -> Iterator[Document]:
        """One row an engine and one for any, as AWS has them."""
        for deployment, (begin, copies) in DEPLOYMENTS.items():
            engines = ["SQL Server"] if "Mirror" in deployment else ["Any", "MySQL", "PostgreSQL", "SQL Server"]
            for engine in engines:
                yield from self.database_storage_of(facts, deployment, begin, copies, engine)
        for usage, table in (("Aurora:StorageUsage", "aurora"), ("Aurora:IO-OptimizedStorageUsage", "aurora-iopt1")):
            price = ("GB-Mo", facts["database_storage"][table])
            facts_of = {"volumeType": "General Purpose-Aurora", "databaseEngine": "Any"}
            yield self.document("AmazonRDS", "Database Storage", f"{self.prefix}{usage}", price, **facts_of)

    def database_storage_of(
        self, facts: dict[str, Any], deployment: str, begin: str, copies: int, engine: str
    ) -> Iterator[Document]:
        named = {"deploymentOption": deployment, "databaseEngine": engine}

        def row(family: str, usage: str, unit: str, dollars: str, **more: str) -> Document:
            price = (unit, f"{float(dollars) * copies:.10f}")
            return self.document("AmazonRDS", family, f"{self.prefix}{begin}{usage}", price, **named, **more)

        for table, (kind, usage) in DATABASE_STORAGE.items():
            yield row("Database Storage", usage, "GB-Mo", facts["database_storage"][table], volumeType=kind)
        for table, usage in DATABASE_IOPS.items():
            yield row("Provisioned IOPS", usage, "IOPS-Mo", facts["database_iops"][table])
        yield row("Provisioned Throughput", "GP3-Throughput", "MBPS-Mo", facts["database_gp3_throughput"])


def document(service: str, family: str | None, attributes: dict[str, str], price: tuple[str, str]) -> Document:
    """A SKU with one on-demand price."""
    unit, dollars = price
    sku = sku_of(family, attributes)
    product: dict[str, Any] = {"attributes": attributes, "sku": sku}
    if family is not None:
        product["productFamily"] = family
    term = {
        "priceDimensions": {f"{sku}.{ON_DEMAND}.{RATE}": dimension(sku, ON_DEMAND, unit, dollars)},
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": ON_DEMAND,
        "termAttributes": {},
    }
    return {
        "product": product,
        "serviceCode": service,
        "terms": {"OnDemand": {f"{sku}.{ON_DEMAND}": term}},
        "version": "20261118210411",
        "publicationDate": PUBLISHED,
    }


def dimension(sku: str, term: str, unit: str, dollars: str) -> dict[str, Any]:
    return {
        "unit": unit,
        "endRange": "Inf",
        "description": f"${dollars.rstrip('0').rstrip('.')} per {unit}",
        "appliesTo": [],
        "rateCode": f"{sku}.{term}.{RATE}",
        "beginRange": "0",
        "pricePerUnit": {"USD": dollars},
    }


def reserved(sku: str, price: str) -> dict[str, Any]:
    """One reserved term of several: one year, everything paid at the beginning, so its hours are for nothing."""
    code = "6QCMYABX3D"
    term = {
        "priceDimensions": {
            f"{sku}.{code}.2TG2D8R56U": {
                "unit": "Quantity",
                "description": "Upfront Fee",
                "appliesTo": [],
                "rateCode": f"{sku}.{code}.2TG2D8R56U",
                "pricePerUnit": {"USD": str(round(float(price) * 8760 * 0.6))},
            },
            f"{sku}.{code}.{RATE}": dimension(sku, code, "Hrs", "0.0000000000"),
        },
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": code,
        "termAttributes": {"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "All Upfront"},
    }
    return {f"{sku}.{code}": term}


def sku_of(family: str | None, attributes: dict[str, str]) -> str:
    return hashlib.sha256(repr((family, sorted(attributes.items()))).encode()).hexdigest()[:16].upper()


def renamed(one: Document) -> Document:
    """Made again under the SKU that its attributes have now."""
    product = one["product"]
    (term,) = one["terms"]["OnDemand"].values()
    (rate,) = term["priceDimensions"].values()
    price = (rate["unit"], rate["pricePerUnit"]["USD"])
    return document(one["serviceCode"], product.get("productFamily"), product["attributes"], price)
