//! The client events of inboxes and invitations to people: each is parsed, asked of the hub, and answered.

use super::{Answer, done, parse};
use crate::protocol::error::WireError;
use crate::protocol::notification::{
    InviteAnswer, InviteAnswered, InviteEmail, InviteMailed, InviteUser, NotificationList, NotificationRead, NotificationsLeft,
    NotificationsListed, RoomInvite,
};
use crate::protocol::notification_convert;
use crate::session::Session;
use rooms::inbox::Owner;
#[cfg(any(test, feature = "fuzzing"))]
use rooms::store::{Reading, Seek};
use rooms::{NotificationId, RoomId, ServerId, UserId};
use serde_json::value::RawValue;

/// Notifications on a page of `notification:list` when the client doesn't say.
const PAGE: u32 = 50;

type Argument<'a> = Option<&'a RawValue>;

/// The answer to an event of inboxes; `None` for another one.
pub(super) async fn answer(session: &Session, event: &str, argument: Argument<'_>) -> Option<Answer> {
    Some(match event {
        "notification:list" => notification_list(session, argument).await,
        "notification:read" => notification_read(session, argument).await,
        "invite:user" => invite_user(session, argument).await,
        "invite:answer" => invite_answer(session, argument).await,
        "invite:email" => invite_email(session, argument).await,
        "room:invite" => room_invite(session, argument).await,
        _ => return None,
    })
}

fn owner(session: &Session) -> Result<Owner, WireError> {
    Ok(Owner::of(&session.handle.user, &session.handle.grants)?)
}

async fn notification_list(session: &Session, argument: Argument<'_>) -> Answer {
    let request: NotificationList = parse(argument)?;
    let limit = request.limit.unwrap_or(PAGE);
    let page = session.shared.hub.notifications(&owner(session)?, request.try_into()?, limit).await?;
    done(NotificationsListed::from(page))
}

async fn notification_read(session: &Session, argument: Argument<'_>) -> Answer {
    let request: NotificationRead = parse(argument)?;
    let unread = session.shared.hub.read_notifications(&owner(session)?, request.try_into()?).await?;
    done(NotificationsLeft { unread })
}

async fn invite_user(session: &Session, argument: Argument<'_>) -> Answer {
    let InviteUser { server, user } = parse(argument)?;
    session.shared.hub.invite_user(&session.handle, &ServerId::new(server), &UserId::new(user)).await?;
    done(())
}

async fn invite_answer(session: &Session, argument: Argument<'_>) -> Answer {
    let InviteAnswer { notification, accept } = parse(argument)?;
    let (id, answer) = (NotificationId::new(notification), notification_convert::answer(accept));
    let entered = session.shared.hub.answer_invitation(&session.handle, &id, answer).await?;
    done(InviteAnswered { server: entered.map(Into::into) })
}

async fn invite_email(session: &Session, argument: Argument<'_>) -> Answer {
    let InviteEmail { server, email } = parse(argument)?;
    let invite = session.shared.hub.invite_by_mail(&session.handle, &ServerId::new(server), &email).await?;
    done(InviteMailed { invite: invite.into() })
}

async fn room_invite(session: &Session, argument: Argument<'_>) -> Answer {
    let RoomInvite { room, user } = parse(argument)?;
    session.shared.hub.invite_to_room(&session.handle, &RoomId::new(room), &UserId::new(user)).await?;
    done(())
}

/// For the fuzzer: an event up to where the hub would take it. `None` for one that isn't of inboxes.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parses(event: &str, argument: Argument<'_>) -> Option<bool> {
    Some(match event {
        "notification:list" => parse::<NotificationList>(argument).and_then(Seek::try_from).is_ok(),
        "notification:read" => parse::<NotificationRead>(argument).and_then(Reading::try_from).is_ok(),
        "invite:user" => parse::<InviteUser>(argument).is_ok(),
        "invite:answer" => parse::<InviteAnswer>(argument).is_ok(),
        "invite:email" => parse::<InviteEmail>(argument).is_ok(),
        "room:invite" => parse::<RoomInvite>(argument).is_ok(),
        _ => return None,
    })
}
