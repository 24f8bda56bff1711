//! opsform as a user runs it, against the AWS emulator.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

#[path = "../aws/support.rs"]
mod aws;

mod alarm_lists;
mod architecture;
mod audit;
mod ci;
mod clock;
mod commands;
mod days_off;
mod days_off_broken;
mod documents;
mod event_rules;
mod event_rules_broken;
mod faults;
mod gaps;
mod guards;
mod hands_on;
mod iam_policy;
mod import;
mod inventory;
mod inventory_command;
mod jobs;
mod kill;
mod lambda_api;
mod lambda_broken;
mod lambda_kinds;
mod lifecycle;
mod mail_sending;
mod manifest_errors;
mod mute;
mod overtaken;
mod ownership;
mod park;
mod park_kill;
mod park_odds;
mod park_words;
mod power;
mod prices;
mod report_cost;
mod report_store;
mod roles;
mod runner;
mod s3_faults;
mod s3_lock;
mod s3_migrate;
mod s3_signals;
mod s3_state;
mod saved;
mod schedule;
mod schedule_groups;
mod schedules;
mod sheets;
mod snapshot_adoption;
mod snapshot_races;
mod snapshot_rules;
mod snapshots;
mod state_damage;
mod tag_races;
mod tag_rules;
mod volumes;
mod workspace;
