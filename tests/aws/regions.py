"""DescribeRegions: moto knows neither its filters nor AllRegions.

Source: the EC2 API reference of DescribeRegions, and the EC2 user guide's table of regions with their opt-in status.
"""

from __future__ import annotations

from accounts import Account
from calls import Call
from ec2_query import filters_of, listed, response, unknown_filter, wildcard
from http_server import Response
from protocols import AwsError

ENABLED = tuple(
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 "
    "eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2".split()
)
OPT_IN = tuple(
    "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-7 ca-west-1 "
    "eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1".split()
)
FILTERS = {"region-name", "endpoint", "opt-in-status"}


def describe(call: Call, account: Account) -> Response:
    """Regions that the account has not opted into are in the answer only with AllRegions."""
    filters = filters_of(call.params)
    for name in filters:
        if name not in FILTERS:
            raise unknown_filter(name)
    names = listed(call.params, "RegionName")
    known = sorted(ENABLED + OPT_IN)
    for name in names:
        if name not in known:
            raise AwsError("InvalidParameterValue", f"Invalid Region: {name}")
    everything = call.params.get("AllRegions") == "true"
    items = []
    for name in known:
        status = status_of(name, account)
        facts = {"region-name": name, "endpoint": f"ec2.{name}.amazonaws.com", "opt-in-status": status}
        if (status == "not-opted-in" and not everything) or (names and name not in names):
            continue
        if all(any(wildcard(value).fullmatch(facts[field]) for value in values) for field, values in filters.items()):
            items.append(
                f"<item><regionName>{name}</regionName><regionEndpoint>{facts['endpoint']}</regionEndpoint>"
                f"<optInStatus>{status}</optInStatus></item>"
            )
    return response("DescribeRegions", f"<regionInfo>{''.join(items)}</regionInfo>")


def status_of(region: str, account: Account) -> str:
    if region in ENABLED:
        return "opt-in-not-required"
    return "opted-in" if region in account.opted_in else "not-opted-in"
