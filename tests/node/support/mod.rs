//! What the tests reach the node with: the process, HTTP, and a thin socket.io client.

pub mod http;
pub mod node;
pub mod process;
pub mod smtp;
pub mod socket;
pub mod sse;

use std::time::Duration;

/// Longer than anything that works takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
