//! Headless users for zzan.
fn main() {}
