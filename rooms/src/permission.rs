//! Who may what in a room. Pure: answers from a token's grants and the room's owner, and nothing else.

use crate::session::Grants;
use crate::view::Rights;
use crate::{Error, Part, Result, RoomId, UserId};

/// Who asks for a change to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authority {
    /// A session's user, with what its token allows.
    User { user: UserId, grants: Grants },
    /// A backend with an API key: may all.
    Backend,
}

/// What a user may do in a channel that it can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChatRights {
    /// Send messages, and change own ones.
    pub(crate) write: bool,
    /// Delete what others wrote, and pin messages.
    pub(crate) moderate: bool,
    /// Mention everyone at once.
    pub(crate) mention_everyone: bool,
    /// Start meeting notes.
    pub(crate) note: bool,
}

/// What a participant may do in the room.
pub(crate) fn rights(grants: &Grants, room: &RoomId, user: &UserId, owner: &UserId) -> Rights {
    let authority = Authority::User { user: user.clone(), grants: grants.clone() };
    let administer = may_administer(&authority, room, owner).is_ok();
    match grants {
        Grants::User => Rights { publish: true, subscribe: true, data: true, administer },
        Grants::Room(room) => Rights { publish: room.can_publish, subscribe: room.can_subscribe, data: room.can_publish_data, administer },
    }
}

/// What is left of rights for what a seat is for.
pub(crate) fn within(part: &Part, rights: Rights) -> Rights {
    match part {
        Part::Person => rights,
        Part::Publisher => Rights { subscribe: false, data: false, ..rights },
        Part::Viewer(_) => Rights { publish: false, data: false, ..rights },
    }
}

/// A token for another room doesn't learn whether this one exists.
pub(crate) fn sees_room(grants: &Grants, room: &RoomId) -> Result<()> {
    match grants {
        Grants::User => Ok(()),
        Grants::Room(granted) if granted.room == *room => Ok(()),
        Grants::Room(_) => Err(Error::NotFound("room")),
    }
}

pub(crate) fn may_join(grants: &Grants, room: &RoomId) -> Result<()> {
    sees_room(grants, room)?;
    match grants {
        Grants::Room(granted) if !granted.room_join => Err(Error::Forbidden("the token doesn't allow to join")),
        Grants::User | Grants::Room(_) => Ok(()),
    }
}

/// A backend vouches for the users of its room tokens, and owners made the password.
pub(crate) fn skips_password(grants: &Grants, user: &UserId, owner: &UserId) -> bool {
    matches!(grants, Grants::Room(_)) || user == owner
}

/// In a room's channel.
pub(crate) fn chat_in_room(authority: &Authority, room: &RoomId, owner: &UserId) -> ChatRights {
    let write = match authority {
        Authority::User { grants: Grants::Room(granted), .. } => granted.can_publish_data,
        Authority::User { grants: Grants::User, .. } | Authority::Backend => true,
    };
    let moderate = may_administer(authority, room, owner).is_ok();
    ChatRights { write, moderate, mention_everyone: moderate, note: write }
}

pub(crate) fn may_write(rights: ChatRights) -> Result<()> {
    if rights.write { Ok(()) } else { Err(Error::Forbidden("you may not send messages here")) }
}

pub(crate) fn may_note(rights: ChatRights) -> Result<()> {
    if rights.note { Ok(()) } else { Err(Error::Forbidden("you may not start or end notes here")) }
}

/// Nobody changes what others wrote.
pub(crate) fn may_edit(user: &UserId, author: &UserId) -> Result<()> {
    if user == author { Ok(()) } else { Err(Error::Forbidden("only its author may edit a message")) }
}

/// One's own, and where one moderates everybody's.
pub(crate) fn may_delete(rights: ChatRights, user: &UserId, author: &UserId) -> Result<()> {
    if user == author || rights.moderate {
        return Ok(());
    }
    Err(Error::Forbidden("only its author and who moderates the channel may delete a message"))
}

/// Only who moderates.
pub(crate) fn may_pin(rights: ChatRights) -> Result<()> {
    if rights.moderate { Ok(()) } else { Err(Error::Forbidden("only who moderates the channel may pin messages")) }
}

/// Whether `authority` may close the room and remove participants.
pub(crate) fn may_administer(authority: &Authority, room: &RoomId, owner: &UserId) -> Result<()> {
    let Authority::User { user, grants } = authority else { return Ok(()) };
    sees_room(grants, room)?;
    let admin = matches!(grants, Grants::Room(granted) if granted.room_admin);
    if admin || user == owner {
        return Ok(());
    }
    Err(Error::Forbidden("only the room's owner may do this"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RoomGrants;

    fn token(room: &str, admin: bool) -> Grants {
        Grants::Room(RoomGrants {
            room: RoomId::new(room),
            room_join: true,
            can_publish: true,
            can_subscribe: true,
            can_publish_data: true,
            room_admin: admin,
        })
    }

    #[test]
    fn a_room_is_administered_by_its_owner_an_admin_token_and_a_backend() {
        let (room, owner) = (RoomId::new("r"), UserId::new("owner"));
        let asks = |user: &str, grants: Grants| may_administer(&Authority::User { user: UserId::new(user), grants }, &room, &owner);
        assert_eq!(asks("owner", Grants::User), Ok(()));
        assert_eq!(asks("other", token("r", true)), Ok(()));
        assert_eq!(may_administer(&Authority::Backend, &room, &owner), Ok(()));
        assert!(matches!(asks("other", Grants::User), Err(Error::Forbidden(_))));
        assert!(matches!(asks("other", token("r", false)), Err(Error::Forbidden(_))));
    }

    #[test]
    fn a_token_for_another_room_finds_nothing_even_as_the_owner() {
        let (room, owner) = (RoomId::new("r"), UserId::new("owner"));
        let authority = Authority::User { user: owner.clone(), grants: token("other", true) };
        assert_eq!(may_administer(&authority, &room, &owner), Err(Error::NotFound("room")));
        assert_eq!(may_join(&token("other", true), &room), Err(Error::NotFound("room")));
    }
}
