//! Headless users for zzan: they join rooms over the same wire as browsers, send synthetic audio and video, write, come and go, and count
//! what arrives.
//!
//! A [`scenario`], read from a file and flags by [`settings`] and [`cli`], becomes a [`run`]: it makes rooms over [`rest`] and sends
//! [`user`]s in, on threads of their own ([`lanes`]). A user's time in a room is a [`call`]: a [`session`] ([`socket`] on
//! [`packet`]) that survives breaks, and a media peer ([`rtc`] with [`tap`]) over a [`network`] that may have a bad [`link`]. [`source`]
//! makes packets at the times of [`pace`]; [`reception`] and [`decoder`] judge what arrives; [`recorder`] and [`tally`] count.
//! The result is an [`outcome`], with figures and limits from [`threshold`] and what [`checks`] found, shown by [`report`] and [`html`].
//! Nothing here is shared with the server but the types of what it sends; what it reads is [`wire`], so that a mistake made once is not made on both sides.
#![forbid(unsafe_code)]

pub mod call;
pub mod chart;
pub mod chat;
pub mod checks;
pub mod cli;
pub mod decoder;
pub mod dice;
pub mod failure;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod histogram;
pub mod html;
pub mod lanes;
pub mod link;
pub mod meter;
pub mod network;
pub mod outcome;
pub mod pace;
pub mod packet;
pub mod progress;
pub mod reception;
pub mod recorder;
pub mod report;
pub mod rest;
pub mod rtc;
pub mod run;
pub mod scenario;
pub mod session;
pub mod settings;

pub mod socket;
pub mod source;
pub mod tally;
pub mod tap;
pub mod target;
pub mod threshold;
pub mod user;
pub mod wire;
