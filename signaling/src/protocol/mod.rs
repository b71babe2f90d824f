//! The wire, as types: these are the specification. `web/sdk/src/protocol.gen.ts` is generated from them, and a test holds it equal.
//!
//! Domain types are converted here and nowhere else; a rename in the domain can't change the wire.

pub mod chat;
pub mod client_event;
pub mod community;
pub(crate) mod community_convert;
pub mod convert;
pub mod error;
pub mod notes;
pub mod notification;
pub(crate) mod notification_convert;
pub mod server_event;
pub mod stats;
pub mod types;
pub mod typescript;
