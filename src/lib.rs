//! Plan and apply for the AWS chores that come after the infrastructure exists.

pub mod apply;
pub mod aws;
pub mod commands;
pub mod costs;
pub mod cron;
pub mod declarations;
pub mod files;
pub mod inventory;
pub mod jobs;
pub mod mail;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod prices;
pub mod render;
pub mod report;
pub mod resources;
pub mod state;
