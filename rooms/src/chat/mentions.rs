//! Whom a text mentions. Pure.
//!
//! `<@everyone>`, `<@user id>` and `<@&role id>` are looked for and nothing else: names change, ids don't, and a client shows the name. It doesn't
//! know who exists. Invariant: each audience is in the result once, and only if it may be mentioned.

use crate::view::Audience;
use crate::{RoleId, UserId};

/// Most audiences of one message. Further ones are text like any other: each costs a row.
pub(crate) const MENTIONS_MAX: usize = 50;
/// Longest id, in bytes, as tokens have it.
const ID_BYTES_MAX: usize = 128;

/// The first [`MENTIONS_MAX`] audiences that `text` mentions, in its order.
pub(crate) fn mentions(text: &str, may_mention: impl Fn(&Audience) -> bool) -> Vec<Audience> {
    let mut found = Vec::new();
    // What stands before the first opening is no mention.
    for rest in text.split("<@").skip(1) {
        if found.len() == MENTIONS_MAX {
            break;
        }
        if let Some(audience) = audience(rest)
            && !found.contains(&audience)
            && may_mention(&audience)
        {
            found.push(audience);
        }
    }
    found
}

/// What stands between an opening and the next `>`.
fn audience(rest: &str) -> Option<Audience> {
    let (inside, _) = rest.split_once('>')?;
    if inside == "everyone" {
        return Some(Audience::Everyone);
    }
    let (id, role) = inside.strip_prefix('&').map_or((inside, false), |id| (id, true));
    if !(1..=ID_BYTES_MAX).contains(&id.len()) || id.chars().any(char::is_control) {
        return None;
    }
    Some(if role { Audience::Role(RoleId::new(id)) } else { Audience::User(UserId::new(id)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(id: &str) -> Audience {
        Audience::User(UserId::new(id))
    }

    fn role(id: &str) -> Audience {
        Audience::Role(RoleId::new(id))
    }

    #[test]
    fn users_roles_and_everyone_are_found_each_once_in_order() {
        let text = "<@u1>, <@&r1>님! 짠 <@everyone><@u1> <@사용자 2>";
        assert_eq!(mentions(text, |_| true), [user("u1"), role("r1"), Audience::Everyone, user("사용자 2")]);
    }

    #[test]
    fn what_only_looks_like_a_mention_is_text() {
        let long = format!("<@{}>", "x".repeat(129));
        for text in ["", "<@>", "<@&>", "<@u1", "@u1", "<u1>", "@everyone", "<@a\nb>", "< @u1>", &long] {
            assert_eq!(mentions(text, |_| true), [], "{text}");
        }
        assert_eq!(mentions("<@<@u1>", |_| true), [user("u1")], "the inner one");
        assert_eq!(mentions(&format!("<@{}>", "x".repeat(128)), |_| true).len(), 1);
    }

    #[test]
    fn who_may_not_be_mentioned_is_not() {
        let users_only = |audience: &Audience| matches!(audience, Audience::User(_));
        assert_eq!(mentions("<@everyone> <@&r1> <@u1>", users_only), [user("u1")]);
    }

    #[test]
    fn the_first_fifty_count() {
        let text: String = (0..80).map(|n| format!("<@u{n}>")).collect();
        let found = mentions(&text, |_| true);
        assert_eq!((found.len(), &found[49]), (MENTIONS_MAX, &user("u49")));
    }

    proptest! {
        #[test]
        fn any_text_has_few_mentions_each_once(text in "[<@&>ae\u{ac00}]{0,300}") {
            let found = mentions(&text, |_| true);
            prop_assert!(found.len() <= MENTIONS_MAX);
            prop_assert!(found.iter().enumerate().all(|(index, audience)| !found[..index].contains(audience)));
        }
    }
}
