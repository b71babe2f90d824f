//! The wire: socket.io sessions and event types. It decides nothing: it parses, asks `rooms`, and renders.
//!
//! * [`protocol`]: every event and its payload, as types. The TypeScript of the SDK is generated from them.
//! * [`token`]: who somebody is, and what they may.
//! * [`listener`]: TCP connections that can be dropped, and an HTTP/1 server on them.
//! * [`Service`]: socket.io on that server; one task for each session.
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod head;
pub mod listener;
pub mod protocol;
mod service;
mod session;
pub mod token;
mod turn;

pub use gate::{Limits, Origins};
pub use service::{Config, POLLING_BODY_BYTES_MAX, Service, Stats, WS_MESSAGE_BYTES_MAX};
pub use turn::Turn;
