"""Checks of the emulator with real clients (boto3, which moto brings): `python tests/aws/check_emulator.py`."""

from __future__ import annotations

import unittest

import check_costs
import check_databases
import check_ec2
import check_event_rules
import check_faults
import check_fire
import check_mail
import check_mute_rules
import check_parking
import check_pricing
import check_s3
import check_schedules
import check_services
import check_snapshots

MODULES = (
    check_services,
    check_ec2,
    check_costs,
    check_databases,
    check_mail,
    check_mute_rules,
    check_schedules,
    check_snapshots,
    check_parking,
    check_pricing,
    check_fire,
    check_event_rules,
    check_s3,
    check_faults,
)


def load_tests(loader: unittest.TestLoader, _tests: unittest.TestSuite, _pattern: str | None) -> unittest.TestSuite:
    return unittest.TestSuite(loader.loadTestsFromModule(module) for module in MODULES)


if __name__ == "__main__":
    unittest.main()
