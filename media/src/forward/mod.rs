//! What happens to a packet between a track and a slot: numbers are rewritten, key frames are asked for, the result is checked.
//!
//! Everything here is pure: packets and times in, packets and decisions out. Which layer of a simulcast track a slot gets will
//! be decided here too.

pub(crate) mod guard;
pub(crate) mod keyframe;
pub(crate) mod rewrite;
