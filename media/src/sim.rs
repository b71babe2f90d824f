//! Calls in virtual time: str0m clients, seeded links and a real [`crate::room::Room`], without a socket or a clock.
//!
//! Only for tests. Invariant: time passes only when [`world::World::run`] says so, so a second costs what its packets cost.

mod client;
mod figures;
mod link;
mod tests;
mod world;
