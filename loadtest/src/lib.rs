//! Headless users for zzan: they join rooms over the same wire as browsers, send synthetic audio and video, and count what arrives.
//!
//! [`scenario`] is a run: it makes rooms ([`rest`]) and sends in users ([`user`]), each with one signaling connection ([`socket`] on
//! [`packet`]) and one media peer ([`rtc`] with [`tap`]) that is fed by [`source`] and counted by [`reception`]. [`report`] adds up.
//! Nothing here is shared with the server but the wire's types, so that a mistake made once is not made on both sides.
#![forbid(unsafe_code)]

pub mod histogram;
pub mod packet;
pub mod reception;
pub mod report;
pub mod rest;
pub mod rtc;
pub mod scenario;
pub mod socket;
pub mod source;
pub mod tap;
pub mod target;
pub mod user;
