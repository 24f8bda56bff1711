"""What is changed in moto itself, once, after it is imported. Each lesson says what moto 5.2.5 does instead."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any


def teach() -> None:
    page_db_clusters()
    stop_databases()
    find_tags_by_resource()
    find_rules_by_tag()
    find_log_groups_by_tag()


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


def stop_databases() -> None:
    """moto answers an instance as "stopped" at once, leaves a cluster's members running, and copies the whole backend
    to answer a cluster as it was; RDS answers "stopping", and members go with their cluster."""
    from moto.rds.exceptions import InvalidDBClusterStateFault
    from moto.rds.models import RDSBackend

    stop_at_once = RDSBackend.stop_db_instance

    def stop_db_instance(self: Any, *args: Any, **kwargs: Any) -> Any:
        stopping = copy.copy(stop_at_once(self, *args, **kwargs))
        stopping.status = "stopping"
        return stopping

    def change_cluster(wanted: str, becomes: str) -> Any:
        def change(self: Any, cluster_identifier: str) -> Any:
            cluster = self.clusters[cluster_identifier]
            if cluster.status != wanted:
                text = f"is in {cluster.status} state but expected it to be one of {wanted}."
                raise InvalidDBClusterStateFault(f"DbCluster {cluster_identifier} {text}")
            before = copy.copy(cluster)
            cluster.status = becomes
            for member in cluster._members:
                member.status = becomes
            return before

        return change

    RDSBackend.stop_db_instance = stop_db_instance  # type: ignore[method-assign]
    RDSBackend.stop_db_cluster = change_cluster("available", "stopped")  # type: ignore[method-assign]
    RDSBackend.start_db_cluster = change_cluster("stopped", "available")  # type: ignore[method-assign]


def find_tags_by_resource() -> None:
    """moto walks through the tags of all resources to find those of one, so a list of n instances costs n²."""
    from moto.ec2.models.core import TaggedEC2Resource

    def get_tags(self: Any) -> list[dict[str, str]]:
        known = self.ec2_backend.tags.get(self.id, {})
        kind = {"resource_id": self.id, "resource_type": self.id.rpartition("-")[0]}
        return [{**kind, "key": key, "value": value} for key, value in known.items()]

    TaggedEC2Resource.get_tags = get_tags  # type: ignore[method-assign]


def find_rules_by_tag() -> None:
    """moto's tag index knows event buses only; AWS's knows rules, too (`events:rule`)."""
    from moto.core.resource_tagging import TaggedResource
    from moto.events.models import EventsBackend

    buses = EventsBackend.iter_tagged_resources

    def iter_tagged_resources(self: Any) -> Iterator[TaggedResource]:
        yield from buses(self)
        for bus in self.event_buses.values():
            for rule in bus.rules.values():
                if tags := self.tagger.get_tag_dict_for_resource(rule.arn):
                    yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")

    EventsBackend.iter_tagged_resources = iter_tagged_resources  # type: ignore[method-assign]


def find_log_groups_by_tag() -> None:
    """moto's tag index gives log groups the type `logs:loggroup`, and shows those that were never tagged; AWS's type is
    made of their ARN (`logs:log-group`)."""
    from moto.core.resource_tagging import TaggedResource
    from moto.logs.models import LogsBackend

    def iter_tagged_resources(self: Any) -> Iterator[TaggedResource]:
        for group in self.groups.values():
            if tags := self.tagger.get_tag_dict_for_resource(group.arn):
                yield TaggedResource(arn=group.arn, tags=tags, resource_type="logs:log-group")

    LogsBackend.iter_tagged_resources = iter_tagged_resources  # type: ignore[method-assign]
