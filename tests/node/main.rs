//! The real binary and the real node, from outside: command line, HTTP, socket.io, signals, and the disk across kill -9.
#![forbid(unsafe_code)]

mod api_test;
mod channels_test;
mod cli_test;
mod data_test;
mod durability_test;
mod inbox_test;
mod layering_test;
mod mail_test;
mod page_test;
mod stop_test;
mod support;
mod whip_test;
