//! Servers: who belongs to them, what their channels are, and who may do what there.
//!
//! | file | is |
//! | --- | --- |
//! | `role` | permissions, and the roles that a server begins with |
//! | `policy` | the one table of who may what |
//! | `defaults` | what a server begins with |
//! | `request` | what is asked of a server, and what it answers |
//! | `fetch` | what a decision needs that only the store has |
//! | `decide` | from a command to what is to be written |
//! | `attendance` | who is there |
//! | `server` | the state of a live server, and who is told what |
//! | `jobs` | what it has the store do |
//! | `actor`, `handle` | the task that owns it, and the way there |
//! | `registry` | which servers are live in this process |

mod actor;
mod attendance;
mod decide;
mod defaults;
mod fetch;
mod handle;
mod jobs;
mod policy;
mod receipts;
mod registry;
mod request;
mod role;
mod server;

pub(crate) use attendance::Contact;
pub use attendance::Idle;
pub(crate) use decide::{By, Order, Write};
pub(crate) use defaults::{default_direct, default_tree, digest};
pub(crate) use fetch::Fetched;
pub(crate) use handle::{Asked, Entering, PostAct, Request, ServerHandle};
pub(crate) use registry::{Call, Communities};
pub use request::{
    ChannelChange, Command, CreateServer, DefaultNames, DepartReason, MemberView, NewChannel, NewInvite, NewSchedule, Presence,
    PresenceView, Private, ServerView,
};
pub use role::{Permission, Permissions, RoleKind};
pub(crate) use server::Post;
