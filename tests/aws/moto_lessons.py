"""What is changed in moto itself, once, after it is imported. Each lesson says what moto 5.2.5 does instead."""

from __future__ import annotations

from typing import Any


def teach() -> None:
    page_db_clusters()
    find_tags_by_resource()


def page_db_clusters() -> None:
    """moto answers all clusters on one page; RDS answers 100 (Marker, MaxRecords), as it does for instances."""
    from moto.core.responses import ActionResult, PaginatedResult
    from moto.core.utils import get_pagination_model
    from moto.rds.responses import RDSResponse

    get_pagination_model("rds")["DescribeDBClusters"]["unique_attribute"] = "db_cluster_identifier"
    answer_all = RDSResponse.describe_db_clusters

    def describe_db_clusters(self: Any) -> ActionResult:
        return PaginatedResult(answer_all(self)._result)

    RDSResponse.describe_db_clusters = describe_db_clusters  # type: ignore[method-assign]


def find_tags_by_resource() -> None:
    """moto walks through the tags of all resources to find those of one, so a list of n instances costs n²."""
    from moto.ec2.models.core import TaggedEC2Resource

    def get_tags(self: Any) -> list[dict[str, str]]:
        known = self.ec2_backend.tags.get(self.id, {})
        kind = {"resource_id": self.id, "resource_type": self.id.rpartition("-")[0]}
        return [{**kind, "key": key, "value": value} for key, value in known.items()]

    TaggedEC2Resource.get_tags = get_tags  # type: ignore[method-assign]
