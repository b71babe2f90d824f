//! The node: composes the crates and touches the outside world (disk, HTTP, environment). It decides nothing.
//!
//! | module | is |
//! | --- | --- |
//! | [`cli`] | the commands |
//! | [`config`] | file < environment < flags, checked before anything starts |
//! | [`store`] | `rooms::store::Store` on SQLite and on DynamoDB, and which store to open |
//! | [`api`] | REST: routes, errors, documentation, headers |
//! | [`mail`] | `rooms::mail::Mailer` by SMTP, and how its mails are worded |
//! | [`page`] | the built page, embedded |
//! | [`node`] | what starts and stops in which order |
//! | [`telemetry`] | logs and metrics |
//! | [`uploads`] | signs addresses of an S3-compatible bucket |
//! | [`demo`] | the demo room of dev mode |
#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod config;
pub mod demo;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod mail;
pub mod node;
pub mod page;
pub mod store;
pub mod telemetry;
pub mod uploads;
