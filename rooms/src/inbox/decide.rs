//! Whom a message concerns, beside everyone who reads its channel. Pure.
//!
//! Those whom it mentions by name, and the one whose message it answers. Everyone and roles are no names: their mentions are counted without a
//! row for each reader. Invariant: each user is in the result once, and its author never.

use crate::ServerId;
use crate::UserId;
use crate::store::{About, Place};
use crate::view::{Audience, Message};

/// Why somebody is told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Mention,
    Reply,
}

/// Whether a message can concern anybody by name.
pub(crate) fn concerns_somebody(message: &Message) -> bool {
    message.deleted_at.is_none() && (message.reply_to.is_some() || named(&message.mentions).next().is_some())
}

/// Who is to be told of a new message; `answered` is the message that it answers.
pub(super) fn concerned(message: &Message, answered: Option<&Message>) -> Vec<(UserId, Why)> {
    let mut told = mentioned(message, &[]);
    let answered = answered.filter(|answered| answered.deleted_at.is_none()).map(|answered| &answered.author.id);
    if let Some(author) = answered.filter(|author| **author != message.author.id && told.iter().all(|(user, _)| user != *author)) {
        told.push((author.clone(), Why::Reply));
    }
    told
}

/// Whom a message mentions by name, and didn't by these mentions.
pub(super) fn mentioned(message: &Message, before: &[Audience]) -> Vec<(UserId, Why)> {
    let mut told: Vec<(UserId, Why)> = vec![];
    for user in named(&message.mentions) {
        let is_new = *user != message.author.id && named(before).all(|known| known != user) && told.iter().all(|(known, _)| known != user);
        if is_new {
            told.push((user.clone(), Why::Mention));
        }
    }
    told
}

/// What the inbox says of it.
pub(super) fn about(why: Why, server: &ServerId, message: &Message) -> About {
    let place = Place { server: server.clone(), channel: message.channel.clone(), message_seq: message.seq, by: message.author.clone() };
    match why {
        Why::Mention => About::Mention(place),
        Why::Reply => About::Reply(place),
    }
}

fn named(mentions: &[Audience]) -> impl Iterator<Item = &UserId> {
    mentions.iter().filter_map(|audience| if let Audience::User(user) = audience { Some(user) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::User;
    use crate::{ChannelId, MessageId};
    use std::time::SystemTime;

    fn user(id: &str) -> UserId {
        UserId::new(id)
    }

    fn message(author: &str, mentions: &[&str]) -> Message {
        Message {
            id: MessageId::new("m"),
            channel: ChannelId::new("c"),
            seq: 7,
            author: User { id: user(author), name: author.to_owned() },
            text: "짠".to_owned(),
            sent_at: SystemTime::UNIX_EPOCH,
            edited_at: None,
            deleted_at: None,
            reply_to: None,
            mentions: mentions.iter().map(|id| if *id == "*" { Audience::Everyone } else { Audience::User(user(id)) }).collect(),
            attachments: vec![],
            reactions: vec![],
        }
    }

    #[test]
    fn a_mention_by_name_concerns_its_user_once_and_not_the_author() {
        let told = concerned(&message("ana", &["bo", "ana", "*", "bo"]), Some(&message("bo", &[])));
        assert_eq!(told, [(user("bo"), Why::Mention)], "who is mentioned isn't told of the answer too");
        assert_eq!(concerned(&message("ana", &["*"]), None), []);
    }

    #[test]
    fn an_answer_concerns_whose_message_it_answers() {
        assert_eq!(concerned(&message("ana", &[]), Some(&message("bo", &["cy"]))), [(user("bo"), Why::Reply)]);
        assert_eq!(concerned(&message("ana", &[]), Some(&message("ana", &[]))), [], "one's own");
        let deleted = Message { deleted_at: Some(SystemTime::UNIX_EPOCH), ..message("bo", &[]) };
        assert_eq!(concerned(&message("ana", &[]), Some(&deleted)), []);
    }

    #[test]
    fn an_edit_concerns_whom_it_adds_alone() {
        let edited = message("ana", &["bo", "cy"]);
        assert_eq!(mentioned(&edited, &[Audience::User(user("bo")), Audience::Everyone]), [(user("cy"), Why::Mention)]);
        assert_eq!(mentioned(&edited, &edited.mentions), []);
    }

    #[test]
    fn what_names_and_answers_nobody_is_not_looked_at() {
        assert!(!concerns_somebody(&message("ana", &["*"])));
        assert!(concerns_somebody(&message("ana", &["bo"])));
        assert!(concerns_somebody(&Message { reply_to: Some(1), ..message("ana", &[]) }));
        assert!(!concerns_somebody(&Message { deleted_at: Some(SystemTime::UNIX_EPOCH), ..message("ana", &["bo"]) }));
    }
}
