//! The node: composes the crates and touches the outside world.
