//! Servers: who belongs to them, what their channels are, and who may do what there.
//!
//! | file | is |
//! | --- | --- |
//! | `role` | permissions, and the roles that a server begins with |
//! | `policy` | the one table of who may what |
//! | `defaults` | what a server begins with |
//! | `request` | what is asked of a server, and what it answers |
//! | `decide` | from a command to what is to be written |
//! | `server` | the state of a live server, and who is told what |
//! | `actor`, `handle` | the task that owns it, and the way there |
//! | `registry` | which servers are live in this process |

mod actor;
mod decide;
mod defaults;
mod handle;
mod policy;
mod registry;
mod request;
mod role;
mod server;

pub(crate) use decide::{By, Order, Write};
pub(crate) use defaults::{default_direct, default_tree, digest};
pub(crate) use handle::{Asked, Entering, Fetched, PostAct, Request, ServerHandle};
pub(crate) use registry::Communities;
pub use request::{
    ChannelChange, Command, CreateServer, DefaultNames, DepartReason, MemberView, NewChannel, NewInvite, NewSchedule, Presence, Private,
    ServerView,
};
pub use role::{Permission, Permissions, RoleKind};
pub use server::Idle;
pub(crate) use server::Post;
