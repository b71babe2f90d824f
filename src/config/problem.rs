//! What is wrong with a configuration, told so that it can be mended: key, value, where it stood, what is allowed.

use super::layers::Origin;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key or name of a variable; empty when the problem is with a whole file.
    pub key: String,
    /// As it was written; absent when there is none, or when it is a secret.
    pub value: Option<String>,
    pub origin: Origin,
    /// What is allowed, or what to do.
    pub allowed: String,
}

impl Problem {
    pub(super) fn new(key: &str, value: Option<String>, origin: Origin, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), value, origin, allowed: allowed.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.origin, self.allowed);
        }
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, " ({}): {}", self.origin, self.allowed)
    }
}

/// All that is wrong, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}
