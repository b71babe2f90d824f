//! The wire: socket.io sessions and event types. It decides nothing: it parses, asks `rooms`, and renders.
#![forbid(unsafe_code)]

pub mod protocol;
pub mod token;
