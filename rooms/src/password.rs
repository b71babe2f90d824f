//! Passwords of rooms: hashed with Argon2id, never kept, never logged.
//!
//! A hash takes some 20 ms of CPU and 19 MiB, so few run at once, on blocking threads, and the others wait their turn.

use crate::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Hashes that run at once.
const HASHES: usize = 2;
/// Longest wait for a turn. With two at a time some 400 others are ahead by then: it is a flood.
const TURN_TIMEOUT: Duration = Duration::from_secs(4);

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES)) }
    }
}

impl Passwords {
    /// The hash to keep, in PHC string format.
    ///
    /// # Errors
    /// `Unavailable` in a flood.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|_| Error::Unavailable("the password could not be hashed"))
    }

    /// Whether `password` is the one that was hashed. An unreadable hash fits no password.
    ///
    /// # Errors
    /// `Unavailable` in a flood.
    pub(crate) async fn verify(&self, password: String, hash: String) -> Result<bool> {
        self.run(move || {
            let Ok(hash) = PasswordHash::new(&hash) else { return false };
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Error::Unavailable("too many passwords are being checked")) };
        let done = tokio::task::spawn_blocking(move || {
            let value = work();
            drop(turn);
            value
        });
        done.await.map_err(|_| Error::Unavailable("the password could not be checked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("소주 한 잔".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.verify("소주 한 잔".to_owned(), hash.clone()).await.unwrap());
        assert!(!passwords.verify("소주 두 잔".to_owned(), hash.clone()).await.unwrap());
        assert!(!passwords.verify("소주 한 잔".to_owned(), "not a hash".to_owned()).await.unwrap());
        assert_ne!(passwords.hash("소주 한 잔".to_owned()).await.unwrap(), hash, "salted");
    }
}
