//! Chat of a channel: from a permitted text to a durable message, told to everyone once and in order.

pub(crate) mod attachment;
mod mentions;
mod message;
mod pace;
mod sequence;

pub(crate) use mentions::mentions;
pub(crate) use message::{Change, ChannelQueue, Delivery};
pub(crate) use pace::Pace;
