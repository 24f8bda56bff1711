//! opsform
fn main() {}
