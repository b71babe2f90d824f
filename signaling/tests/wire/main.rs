//! Signaling over real sockets: a node's signaling in this process, on the memory store, with clients of several kinds.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod chat;
mod community;
mod ends;
mod frames;
mod handshake;
mod harness;
mod hostile;
mod inbox;
mod limits;
mod official_client;
mod order;
mod requests;
mod resume;
mod socket;
mod stream;
