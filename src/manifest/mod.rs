//! From the text of manifests to settings and blocks, every value with its place in the source.
//!
//! Architecture invariant: this module imports `model` only and knows no block (`alarm`, …) by name. What a block
//! means is said by its folder in `declarations/`, which reads it with a [`TableReader`].

mod calendar;
mod document;
mod duration;
mod mail;
mod mailbox;
mod reader;
mod report;
mod runner;
mod scalar;
mod settings;
mod sheet;
mod source;
mod state_place;
mod suggest;
mod syntax;
mod template;
mod template_keys;
mod templated;
mod value;

pub use calendar::{Calendar, DaysOff};
pub use document::{Block, Document, load, parse};
pub use duration::{Seconds, parse_seconds};
pub use mail::{Language, MailSettings, SUBJECT_VARIABLES};
pub use mailbox::{Mailbox, is_mail_domain};
pub use reader::{Entries, FromValue, Placed, Reading, TableReader};
pub use report::{CostSettings, OUTPUT_VARIABLES, OutputTemplate, ReportFormat};
pub use runner::{ManifestsFrom, PACKAGE, RunnerSettings};
pub use scalar::Scalar;
pub use settings::{Account, Aws, PROJECT_NAME_HINT, Rate, Regions, Settings, is_region, project_name_fault};
pub use sheet::{
    Bytes, CellValue, FileFault, Files, Grid, RowReader, Sheet, SheetChoice, SheetName, grids, read_files,
};
pub use source::{SourceSet, path_beside};
pub use state_place::{S3Place, StatePlace};
pub use suggest::{hint_for, suggestion};
pub use template::{RenderError, Template, Variables};
pub use template_keys::TemplateKey;
pub use templated::Templated;
pub use value::{Data, Entry, Table, Value};
