//! Messages by the way that sessions take: the hub, the channel's queue, the store, and the room that tells everyone.

use crate::appends;
use crate::backend::Backend;
use crate::load::{self, Load};
use rooms::session::{Grants, SessionHandle};
use rooms::store::{Listing, Nonce};
use rooms::{ChannelId, Config, CreateRoom, Hub, JoinRoom, Part, RoomKind, SendMessage, SessionId, User, UserId};
use std::sync::Arc;
use std::time::Duration;

/// Sessions in each room, all of which are told every message.
const SESSIONS: usize = 4;

/// Sends into `rooms` rooms with `in_flight` of them waiting for their acknowledgement at any moment.
pub async fn measure(backend: &Backend, rooms: usize, in_flight: usize, window: Duration) -> anyhow::Result<Load> {
    let (media, _workers) = media::start(&media::Config::default())?;
    let hub = Hub::start(Config { chat_rate: None, ..Config::default() }, backend.store.clone(), media).await?;
    let mut seats = Vec::new();
    for room in 0..rooms {
        seats.extend(open_room(&hub, room).await?);
    }
    let seats = Arc::new(seats);
    let send = {
        let hub = hub.clone();
        move |task: usize, n: u64| {
            let (hub, seats) = (hub.clone(), seats.clone());
            async move {
                let (session, channel) = &seats[task % seats.len()];
                let text = appends::text(task as u64, n);
                let nonce = Nonce(rooms::random_id("n"));
                hub.send(session, channel, SendMessage { nonce, text, reply_to: None, attachments: vec![] }).await?;
                Ok(())
            }
        }
    };
    let load = load::keep(in_flight, window, send).await;
    hub.stop().await;
    load
}

/// A room with its sessions, whose events are taken as fast as they come.
async fn open_room(hub: &Hub, room: usize) -> anyhow::Result<Vec<(SessionHandle, ChannelId)>> {
    let owner = user(room, 0);
    let request = CreateRoom {
        name: format!("room {room}"),
        kind: RoomKind::Buddy,
        capacity: SESSIONS as u8,
        password: None,
        listing: Listing::Unlisted,
        nonce: Nonce(rooms::random_id("n")),
    };
    let view = hub.create_room(&owner, request).await?;
    let mut seats = Vec::new();
    for seat in 0..SESSIONS {
        let id = SessionId::new(format!("session-{room}-{seat}"));
        let (session, mut outbox) = SessionHandle::new(id, user(room, seat), Grants::User);
        tokio::spawn(async move { while outbox.events.recv().await.is_some() {} });
        hub.join(&session, JoinRoom { room: view.id.clone(), password: None, offer: None, part: Part::Person }).await?;
        seats.push((session, view.channel.clone()));
    }
    Ok(seats)
}

fn user(room: usize, seat: usize) -> User {
    User { id: UserId::new(format!("user-{room}-{seat}")), name: format!("사용자 {seat}") }
}
