//! What a deployer can choose about rooms.

use crate::ChatRate;
use std::collections::BTreeMap;
use std::time::Duration;

/// Times and limits of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a seat is kept after the page unloaded or the transport closed. Longer spares more refreshes on slow machines, shorter
    /// frees a seat sooner. 2 s.
    pub closed_grace: Duration,
    /// How long a seat is kept after a silent loss. 10 s.
    pub silent_grace: Duration,
    /// How long a room lives after the last one left. 30 s.
    pub empty_ttl: Duration,
    /// How long a room waits for its first participant. 24 h.
    pub unused_ttl: Duration,
    /// The same for a room in the lobby, where it stands in the way of others; the shorter of the two counts. 10 min.
    pub unused_lobby_ttl: Duration,
    /// How long at least a room that was open when the last process ended waits for those who were in it. 60 s.
    pub restart_ttl: Duration,
    /// Longest chat text, in characters (code points). 4,000.
    pub text_max_chars: usize,
    /// The same for users of some plans, by the plan's name. None.
    pub plan_text_max_chars: BTreeMap<String, usize>,
    /// Whether sessions may watch how far others have read. Yes.
    pub unread_readers: UnreadReaders,
    /// Which attachments may have addresses without TLS. None.
    pub plain_http: PlainHttp,
    /// How many chat messages one session may send. `None`: any number. 10 in 5 s, 20 at once.
    pub chat_rate: Option<ChatRate>,
}

/// Whether "3 have not read this" is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnreadReaders {
    #[default]
    Told,
    Hidden,
}

/// Addresses that browsers fetch without TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlainHttp {
    #[default]
    Refused,
    /// Of the reader's own machine, for development.
    Loopback,
}

impl Config {
    /// Longest chat text of a user of this plan, in characters. A plan that isn't named here has the general limit.
    pub(crate) fn text_max_chars_of(&self, plan: Option<&str>) -> usize {
        plan.and_then(|plan| self.plan_text_max_chars.get(plan)).copied().unwrap_or(self.text_max_chars)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            closed_grace: Duration::from_secs(2),
            silent_grace: Duration::from_secs(10),
            empty_ttl: Duration::from_secs(30),
            unused_ttl: Duration::from_secs(24 * 3600),
            unused_lobby_ttl: Duration::from_secs(600),
            restart_ttl: Duration::from_secs(60),
            text_max_chars: 4_000,
            plan_text_max_chars: BTreeMap::new(),
            unread_readers: UnreadReaders::Told,
            plain_http: PlainHttp::Refused,
            chat_rate: Some(ChatRate::default()),
        }
    }
}
