//! Headless users for zzan: they join rooms over the same wire as browsers, send synthetic audio and video, and count what arrives.
#![forbid(unsafe_code)]

pub mod histogram;
pub mod packet;
pub mod reception;
pub mod rtc;
pub mod socket;
pub mod source;
pub mod tap;
pub mod target;
