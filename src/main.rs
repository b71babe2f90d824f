//! The `zzan` command.
fn main() {}
