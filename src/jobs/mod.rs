//! Jobs that run by themselves: what an event asks for, the process that does it, what is told of it, and the package for Lambda.
//!
//! A job is a process of the same program: commands are whole processes, with exit codes, signals, locks and files.

mod answer;
mod child;
mod counts;
pub mod elf;
mod lines;
mod log;
mod order;
pub mod package;
mod serve;

pub use answer::{Answer, Told};
pub use counts::Counts;
pub use order::Order;
pub use serve::{Runner, serve};
