//! Bounds of values that come from outside, and the rate of chat messages.
//!
//! Pure checks: a value either comes out fit for the domain, or an error says which field, what is wrong with it and what is allowed.

use crate::store::{Nonce, Notice, Words};
use crate::view::{Attachment, RoomKind};
use crate::{Error, Result, UserId};
use std::time::{Duration, Instant};

/// Longest name of a room or of a link's user, in characters (code points).
pub const NAME_CHARS_MAX: usize = 64;
/// Fewest seats of a room.
pub const CAPACITY_MIN: u8 = 2;
/// Most seats of a buddy room: each receives the media of all others.
pub const BUDDY_CAPACITY_MAX: u8 = 4;
/// Most seats of a voice room: what one receives doesn't grow with them, but each is told of every other.
pub const VOICE_CAPACITY_MAX: u8 = 50;
/// Most tracks that a participant pins.
pub const PINNED_MAX: usize = 64;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Longest nonce, in bytes.
pub const NONCE_BYTES_MAX: usize = 64;
/// Longest SDP, in bytes. A browser's offer with all slots is near 10 kB.
pub const SDP_BYTES_MAX: usize = 64 * 1024;
/// Longest side of a tile, in physical pixels: twice what the largest screens have.
pub const TILE_PIXELS_MAX: u16 = 16_384;
/// Most messages of one page of history.
pub const HISTORY_MESSAGES_MAX: u32 = 100;
/// Longest address of an image, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// Most servers that one user is a member of.
pub const SERVERS_MAX: usize = 200;
/// Most channels of a server.
pub const CHANNELS_MAX: usize = 500;
/// Most categories of a server.
pub const CATEGORIES_MAX: usize = 50;
/// Most roles of a server.
pub const ROLES_MAX: usize = 100;
/// Most users, and most roles, that one private channel names.
pub const LISTED_MAX: usize = 200;
/// Most entries of one calendar that one list shows.
pub const SCHEDULES_MAX: usize = 500;
/// Longest description of a calendar's entry, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 4_000;
/// Longest reason of a ban, in characters.
pub const REASON_CHARS_MAX: usize = 500;
/// Longest metadata of a channel, in bytes.
pub const METADATA_BYTES_MAX: usize = 8 * 1024;
/// Longest pause between two messages of one user in a slow channel: six hours.
pub const SLOW_MODE_MAX: Duration = Duration::from_secs(6 * 3600);
/// Shortest life of an invitation.
pub const INVITE_TTL_MIN: Duration = Duration::from_secs(60);
/// Longest life of an invitation that expires: a year.
pub const INVITE_TTL_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
/// Longest time between a reminder and what it reminds of.
pub const REMIND_MAX: Duration = Duration::from_secs(28 * 24 * 3600);
/// Most messages of one page of search.
pub const FOUND_MESSAGES_MAX: u32 = 50;
/// Longest text to search for, in characters.
pub const SEARCH_CHARS_MAX: usize = 200;
/// Most words to search for: each is a look-up in the index.
pub const SEARCH_WORDS_MAX: usize = 10;
/// Longest emoji of a reaction, in bytes. A family of four takes 25.
pub const EMOJI_BYTES_MAX: usize = 32;
/// Longest user id, in bytes: as tokens have it.
pub const USER_ID_BYTES_MAX: usize = 128;
/// Most notifications that are marked as read one by one.
pub const READ_IDS_MAX: usize = 100;
/// Longest title of a notification, in characters.
pub const NOTICE_TITLE_CHARS_MAX: usize = 200;
/// Longest body of a notification, in characters.
pub const NOTICE_BODY_CHARS_MAX: usize = 4_000;
/// Longest data of a notification, in bytes.
pub const NOTICE_DATA_BYTES_MAX: usize = 4 * 1024;
/// Longest mail address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const MAIL_ADDRESS_BYTES_MAX: usize = 254;
/// Shortest life of a link.
pub const LINK_TTL_MIN: Duration = Duration::from_secs(1);
/// Longest life of a link: 30 days.
pub const LINK_TTL_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most uses of one link.
pub const LINK_USES_MAX: u32 = 10_000;

/// A name without surrounding white space.
pub(crate) fn name(field: &'static str, value: &str) -> Result<String> {
    let trimmed = value.trim();
    let length = trimmed.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&length) {
        return Err(invalid(field, format!("has {length} characters, allowed are 1 to {NAME_CHARS_MAX}")));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(invalid(field, "has a control character, allowed are printable ones".to_owned()));
    }
    Ok(trimmed.to_owned())
}

pub(crate) fn capacity(kind: RoomKind, value: u8) -> Result<u8> {
    let allowed = kind.capacities();
    if allowed.contains(&value) {
        return Ok(value);
    }
    let rooms = match kind {
        RoomKind::Buddy => "buddy",
        RoomKind::Voice => "voice",
    };
    Err(invalid("capacity", format!("is {value}, allowed in a {rooms} room are {} to {}", allowed.start(), allowed.end())))
}

pub(crate) fn password(value: &str) -> Result<()> {
    if (1..=PASSWORD_BYTES_MAX).contains(&value.len()) {
        return Ok(());
    }
    Err(invalid("password", format!("has {} bytes, allowed are 1 to {PASSWORD_BYTES_MAX}", value.len())))
}

pub(crate) fn nonce(value: &Nonce) -> Result<()> {
    if (1..=NONCE_BYTES_MAX).contains(&value.0.len()) {
        return Ok(());
    }
    Err(invalid("nonce", format!("has {} bytes, allowed are 1 to {NONCE_BYTES_MAX}", value.0.len())))
}

/// Of a message, which may go without where it has attachments.
pub(crate) fn text(value: &str, chars_max: usize, attachments: &[Attachment]) -> Result<()> {
    if value.trim().is_empty() && attachments.is_empty() {
        return Err(invalid("text", format!("is empty, allowed are 1 to {chars_max} characters")));
    }
    // A code point has at most four bytes: a text that is far too long isn't counted out.
    if value.len() > chars_max.saturating_mul(4) || value.chars().count() > chars_max {
        return Err(Error::TooLarge { field: "text", limit: chars_max });
    }
    Ok(())
}

/// At most so many, where some are let in.
pub(crate) fn count(field: &'static str, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    Err(invalid(field, format!("would be {count}, allowed are 0 to {max}")))
}

/// Text that may be empty.
pub(crate) fn description(field: &'static str, value: &str, chars_max: usize) -> Result<()> {
    if value.len() > chars_max.saturating_mul(4) || value.chars().count() > chars_max {
        return Err(Error::TooLarge { field, limit: chars_max });
    }
    Ok(())
}

/// One emoji, or the short name that a client has for a picture of its own.
pub(crate) fn emoji(value: &str) -> Result<()> {
    if !(1..=EMOJI_BYTES_MAX).contains(&value.len()) {
        return Err(invalid("emoji", format!("has {} bytes, allowed are 1 to {EMOJI_BYTES_MAX}", value.len())));
    }
    if value.chars().any(|char| char.is_control() || char.is_whitespace()) {
        return Err(invalid("emoji", "has white space or a control character, allowed is one emoji".to_owned()));
    }
    Ok(())
}

/// The address of an image: a browser loads it, so it is https and nothing else.
pub(crate) fn image_url(value: &str) -> Result<()> {
    let host = value.strip_prefix("https://").unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    let printable = value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if value.len() <= URL_BYTES_MAX && printable && !host.is_empty() && !host.contains('@') {
        return Ok(());
    }
    Err(invalid("image_url", format!("is no https address of at most {URL_BYTES_MAX} printable ASCII bytes without a user name")))
}

pub(crate) fn color(value: Option<u32>) -> Result<()> {
    match value {
        Some(value) if value > 0xff_ff_ff => Err(invalid("color", format!("is {value}, allowed are 0 to 16777215 (0xffffff)"))),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn slow_mode(value: Option<Duration>) -> Result<()> {
    match value {
        Some(value) if value > SLOW_MODE_MAX || value.is_zero() => {
            Err(invalid("slow_mode_s", format!("is {}, allowed are 1 to {}", value.as_secs(), SLOW_MODE_MAX.as_secs())))
        }
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn invite_ttl(value: Option<Duration>) -> Result<()> {
    match value {
        Some(value) if !(INVITE_TTL_MIN..=INVITE_TTL_MAX).contains(&value) => {
            let (min, max) = (INVITE_TTL_MIN.as_secs(), INVITE_TTL_MAX.as_secs());
            Err(invalid("ttl_s", format!("is {}, allowed are {min} to {max}", value.as_secs())))
        }
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn user_id(field: &'static str, value: &UserId) -> Result<()> {
    let value = value.as_str();
    if (1..=USER_ID_BYTES_MAX).contains(&value.len()) && !value.chars().any(char::is_control) {
        return Ok(());
    }
    Err(invalid(field, format!("has {} bytes, allowed are 1 to {USER_ID_BYTES_MAX} without control characters", value.len())))
}

/// What a backend says to a user.
pub(crate) fn notice(notice: &Notice) -> Result<()> {
    if notice.title.trim().is_empty() {
        return Err(invalid("title", format!("is empty, allowed are 1 to {NOTICE_TITLE_CHARS_MAX} characters")));
    }
    description("title", &notice.title, NOTICE_TITLE_CHARS_MAX)?;
    description("body", &notice.body, NOTICE_BODY_CHARS_MAX)?;
    notice.url.as_deref().map(target).transpose()?;
    match &notice.data {
        Some(data) if data.len() > NOTICE_DATA_BYTES_MAX => Err(Error::TooLarge { field: "data", limit: NOTICE_DATA_BYTES_MAX }),
        Some(_) | None => Ok(()),
    }
}

/// Where a page may lead its user: to an https address, or to a path of its own site.
fn target(value: &str) -> Result<()> {
    let is_path = value.starts_with('/') && !value.starts_with("//");
    let host = value.strip_prefix("https://").unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    let printable = value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if value.len() <= URL_BYTES_MAX && printable && (is_path || !host.is_empty() && !host.contains('@')) {
        return Ok(());
    }
    Err(invalid("url", format!("is no https address or path of at most {URL_BYTES_MAX} printable ASCII bytes without a user name")))
}

/// A key that makes something once.
pub(crate) fn key(value: &str) -> Result<()> {
    if (1..=NONCE_BYTES_MAX).contains(&value.len()) {
        return Ok(());
    }
    Err(invalid("key", format!("has {} bytes, allowed are 1 to {NONCE_BYTES_MAX}", value.len())))
}

/// What can be a mail address at all, without surrounding blanks. Whether it is one is its mail server's word.
pub(crate) fn mail_address(value: &str) -> Result<String> {
    let value = value.trim();
    let parts = value.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if value.len() <= MAIL_ADDRESS_BYTES_MAX && parts.is_some() && !value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(value.to_owned());
    }
    // The address itself is nobody's affair but its owner's.
    Err(invalid("email", format!("is no address of the form name@host with at most {MAIL_ADDRESS_BYTES_MAX} bytes")))
}

pub(crate) fn metadata(value: &str) -> Result<()> {
    if value.len() <= METADATA_BYTES_MAX {
        return Ok(());
    }
    Err(Error::TooLarge { field: "metadata", limit: METADATA_BYTES_MAX })
}

pub(crate) fn sdp(value: &str) -> Result<()> {
    if value.len() > SDP_BYTES_MAX {
        return Err(Error::TooLarge { field: "offer.sdp", limit: SDP_BYTES_MAX });
    }
    Ok(())
}

/// Of a tile, in physical pixels.
pub(crate) fn size(value: Option<(u16, u16)>) -> Result<()> {
    let Some((width, height)) = value else { return Ok(()) };
    for (field, length) in [("width", width), ("height", height)] {
        if !(1..=TILE_PIXELS_MAX).contains(&length) {
            return Err(invalid(field, format!("is {length}, allowed are 1 to {TILE_PIXELS_MAX}")));
        }
    }
    Ok(())
}

pub(crate) fn history_limit(value: u32) -> Result<()> {
    if (1..=HISTORY_MESSAGES_MAX).contains(&value) {
        return Ok(());
    }
    Err(invalid("limit", format!("is {value}, allowed are 1 to {HISTORY_MESSAGES_MAX}")))
}

pub(crate) fn search_limit(value: u32) -> Result<()> {
    if (1..=FOUND_MESSAGES_MAX).contains(&value) {
        return Ok(());
    }
    Err(invalid("limit", format!("is {value}, allowed are 1 to {FOUND_MESSAGES_MAX}")))
}

pub(crate) fn search_words(text: &str) -> Result<Words> {
    if text.len() > SEARCH_CHARS_MAX * 4 || text.chars().count() > SEARCH_CHARS_MAX {
        return Err(Error::TooLarge { field: "text", limit: SEARCH_CHARS_MAX });
    }
    let words = Words::of(text);
    let count = words.iter().len();
    match count {
        1..=SEARCH_WORDS_MAX => Ok(words),
        _ => Err(invalid("text", format!("has {count} words, allowed are 1 to {SEARCH_WORDS_MAX}"))),
    }
}

pub(crate) fn pinned(count: usize) -> Result<()> {
    if count <= PINNED_MAX {
        return Ok(());
    }
    Err(invalid("tracks", format!("has {count} entries, allowed are 0 to {PINNED_MAX}")))
}

pub(crate) fn link_ttl(value: Duration) -> Result<()> {
    if (LINK_TTL_MIN..=LINK_TTL_MAX).contains(&value) {
        return Ok(());
    }
    let (min, max) = (LINK_TTL_MIN.as_secs(), LINK_TTL_MAX.as_secs());
    Err(invalid("ttl_s", format!("is {}, allowed are {min} to {max}", value.as_secs())))
}

pub(crate) fn link_uses(value: u32) -> Result<()> {
    if (1..=LINK_USES_MAX).contains(&value) {
        return Ok(());
    }
    Err(invalid("max_uses", format!("is {value}, allowed are 1 to {LINK_USES_MAX}")))
}

pub(crate) fn invalid(field: &'static str, reason: String) -> Error {
    Error::Invalid { field, reason }
}

/// How many chat messages a session may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatRate {
    /// The steady rate is one message in this time.
    pub interval: Duration,
    /// Messages that may come at once after a pause. At least 1.
    pub burst: u32,
}

impl Default for ChatRate {
    /// 10 in 5 s, 20 at once.
    fn default() -> Self {
        Self { interval: Duration::from_millis(500), burst: 20 }
    }
}

/// A token bucket that fills by one each interval, kept as the time at which it is full again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenBucket {
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Whether nothing was taken that isn't back.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Takes one token.
    ///
    /// # Errors
    /// `RateLimited` until there is one again.
    pub(crate) fn take(&mut self, rate: ChatRate, now: Instant) -> Result<()> {
        let full_at = self.full_at.max(now) + rate.interval;
        let missing = full_at - now;
        let allowed = rate.interval * rate.burst.max(1);
        if missing > allowed {
            return Err(Error::RateLimited { retry_after: missing - allowed });
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_counted_in_code_points() {
        assert_eq!(name("name", "  짠  ").unwrap(), "짠");
        assert!(name("name", &"짠".repeat(NAME_CHARS_MAX)).is_ok());
        for bad in [String::new(), "   ".to_owned(), "짠".repeat(NAME_CHARS_MAX + 1), "a\nb".to_owned(), "a\u{0}b".to_owned()] {
            assert!(matches!(name("name", &bad), Err(Error::Invalid { field: "name", .. })), "{bad:?}");
        }
    }

    #[test]
    fn an_error_says_the_field_the_problem_and_what_is_allowed() {
        assert_eq!(capacity(RoomKind::Buddy, 5).unwrap_err().to_string(), "capacity: is 5, allowed in a buddy room are 2 to 4");
        assert_eq!(capacity(RoomKind::Voice, 51).unwrap_err().to_string(), "capacity: is 51, allowed in a voice room are 2 to 50");
        assert_eq!(capacity(RoomKind::Voice, 50), Ok(50));
        assert_eq!(history_limit(0).unwrap_err().to_string(), "limit: is 0, allowed are 1 to 100");
        assert_eq!(link_uses(0).unwrap_err().to_string(), "max_uses: is 0, allowed are 1 to 10000");
        assert_eq!(nonce(&Nonce(String::new())).unwrap_err().to_string(), "nonce: has 0 bytes, allowed are 1 to 64");
        assert_eq!(password("").unwrap_err().to_string(), "password: has 0 bytes, allowed are 1 to 128");
    }

    #[test]
    fn a_text_is_limited_in_code_points() {
        assert!(text("🍻🍻🍻", 3, &[]).is_ok());
        assert_eq!(text("🍻🍻🍻🍻", 3, &[]), Err(Error::TooLarge { field: "text", limit: 3 }));
        assert!(matches!(text(" \n ", 3, &[]), Err(Error::Invalid { field: "text", .. })));
    }

    #[test]
    fn an_emoji_may_have_several_code_points_and_no_spaces() {
        for good in ["👍", "❤️", "👨‍👩‍👧‍👦", "🇰🇷", "ㅋㅋ", ":beer:"] {
            assert_eq!(emoji(good), Ok(()), "{good}");
        }
        let long = "x".repeat(33);
        for bad in ["", " ", "a b", "a\u{a0}b", "\u{0}", "\n", &long] {
            assert!(matches!(emoji(bad), Err(Error::Invalid { field: "emoji", .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_notice_leads_to_https_or_a_path_and_nowhere_else() {
        let notice_to = |url: &str| {
            let url = Some(url.to_owned());
            notice(&Notice { title: "t".to_owned(), body: String::new(), url, data: None })
        };
        for good in ["https://shop.example.com/orders/1?a=b#c", "/orders/1", "/"] {
            assert_eq!(notice_to(good), Ok(()), "{good}");
        }
        for bad in ["http://shop.example.com", "javascript:alert(1)", "//evil.example", "https://", "https://a@b", "orders", "", "/a b"] {
            assert!(matches!(notice_to(bad), Err(Error::Invalid { field: "url", .. })), "{bad}");
        }
    }

    #[test]
    fn a_mail_address_has_two_sides_and_is_not_repeated_in_its_refusal() {
        assert_eq!(mail_address(" 하나@example.com ").unwrap(), "하나@example.com");
        for bad in ["secret", "@example.com", "secret@", "se cret@example.com", "secret@example.com\r\nbcc: all", &"secret@".repeat(60)] {
            let refused = mail_address(bad).unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "email", .. }) && !refused.to_string().contains("secret"), "{bad}");
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_then_its_steady_rate() {
        let rate = ChatRate::default();
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start);
        for _ in 0..20 {
            assert_eq!(bucket.take(rate, start), Ok(()));
        }
        let after = |ms| Err(Error::RateLimited { retry_after: Duration::from_millis(ms) });
        assert_eq!(bucket.take(rate, start), after(500));
        let later = start + Duration::from_millis(400);
        assert_eq!(bucket.take(rate, later), after(100));
        assert_eq!(bucket.take(rate, start + Duration::from_millis(500)), Ok(()));
        let granted = (0..10_000u64).filter(|ms| bucket.take(rate, start + Duration::from_millis(1_000 + ms)).is_ok()).count();
        assert_eq!(granted, 20, "10 s at one per 500 ms");
    }
}
