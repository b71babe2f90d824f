//! What happens to a packet between a track and a slot: a layer is chosen, numbers are rewritten, key frames are asked for, the result is
//! checked.
//!
//! Everything here is pure: packets and times in, packets and decisions out.

pub(crate) mod guard;
pub(crate) mod keyframe;
pub(crate) mod layer;
pub(crate) mod red;
pub(crate) mod rewrite;
pub(crate) mod subscription;
