//! The node: composes the crates and touches the outside world (disk, HTTP, environment). It decides nothing.
//!
//! | module | is |
//! | --- | --- |
//! | [`config`] | file < environment < flags, checked before anything starts |
//! | [`store`] | `rooms::store::Store` on SQLite, and which store to open |
#![forbid(unsafe_code)]

pub mod config;
pub mod store;
