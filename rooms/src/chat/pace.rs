//! At most one in an interval, of each user in each channel. Pure.
//!
//! What is counted is decided by its owner: messages under slow mode, or notices of typing. Invariant: a turn that is remembered is never given
//! again before its time, but to a retry of what took it.

use crate::store::Nonce;
use crate::{ChannelId, UserId};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Turns remembered at once. When more are taken the one that ends first is forgotten, so that its user may go on early: that is kinder than
/// to hold up users who have taken none.
const TURNS_MAX: usize = 10_000;

/// Whose turn it was, and until when.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    turns: HashMap<(ChannelId, UserId), Turn>,
}

#[derive(Debug)]
struct Turn {
    until: Instant,
    nonce: Option<Nonce>,
}

impl Pace {
    /// Takes the user's turn in the channel for `interval`. The `nonce` that has it already has it again.
    ///
    /// # Errors
    /// How long it is until the next turn.
    pub(crate) fn take(
        &mut self,
        channel: &ChannelId,
        user: &UserId,
        nonce: Option<&Nonce>,
        interval: Duration,
        now: Instant,
    ) -> Result<(), Duration> {
        let key = (channel.clone(), user.clone());
        if let Some(turn) = self.turns.get(&key).filter(|turn| turn.until > now) {
            return if nonce.is_some() && turn.nonce.as_ref() == nonce { Ok(()) } else { Err(turn.until - now) };
        }
        if self.turns.len() >= TURNS_MAX {
            self.make_room(now);
        }
        self.turns.insert(key, Turn { until: now + interval, nonce: nonce.cloned() });
        Ok(())
    }

    fn make_room(&mut self, now: Instant) {
        self.turns.retain(|_, turn| turn.until > now);
        if self.turns.len() >= TURNS_MAX
            && let Some(first) = self.turns.iter().min_by_key(|(_, turn)| turn.until).map(|(key, _)| key.clone())
        {
            self.turns.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn take(pace: &mut Pace, channel: &str, user: &str, nonce: Option<&str>, now: Instant) -> Result<(), Duration> {
        let nonce = nonce.map(|nonce| Nonce(nonce.to_owned()));
        pace.take(&ChannelId::new(channel), &UserId::new(user), nonce.as_ref(), INTERVAL, now)
    }

    #[test]
    fn a_user_has_one_turn_in_an_interval_and_channel() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(take(&mut pace, "c", "a", None, now), Ok(()));
        assert_eq!(take(&mut pace, "c", "a", None, now + Duration::from_secs(2)), Err(Duration::from_secs(3)));
        assert_eq!(take(&mut pace, "d", "a", None, now), Ok(()));
        assert_eq!(take(&mut pace, "c", "b", None, now), Ok(()));
        assert_eq!(take(&mut pace, "c", "a", None, now + INTERVAL), Ok(()));
        assert_eq!(take(&mut pace, "c", "a", None, now + INTERVAL), Err(INTERVAL));
    }

    #[test]
    fn a_retry_has_the_turn_that_it_took() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(take(&mut pace, "c", "a", Some("1"), now), Ok(()));
        assert_eq!(take(&mut pace, "c", "a", Some("1"), now), Ok(()));
        assert_eq!(take(&mut pace, "c", "a", Some("2"), now), Err(INTERVAL));
        assert_eq!(take(&mut pace, "c", "a", None, now), Err(INTERVAL));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for n in 0..TURNS_MAX + 5 {
            assert_eq!(take(&mut pace, "c", &format!("u{n}"), None, now + Duration::from_micros(n as u64)), Ok(()));
        }
        assert_eq!(pace.turns.len(), TURNS_MAX);
        let later = now + Duration::from_secs(1);
        assert_eq!(take(&mut pace, "c", "u4", None, later), Ok(()), "the first ones are forgotten");
        assert!(take(&mut pace, "c", "u9000", None, later).is_err());
        assert_eq!(take(&mut pace, "c", "new", None, now + 2 * INTERVAL), Ok(()));
        assert_eq!(pace.turns.len(), 1, "and so are those that are over");
    }
}
