//! A room's task: the one place where a [`Room`] meets time, queues, the media plane and the store.
//!
//! It decides nothing. Each arm of its one `select!` makes one [`Input`], and each [`Output`] is performed by one line. A panic in the core
//! ends this room and no other: its sessions are told, and the next join opens it anew.

use super::event::{Answer, Input, MediaOutput, Output};
use super::handle::{Arrival, Fate, INBOX_REQUESTS, Request, RoomHandle, Shared};
use super::{Facts, Graces, Room};
use crate::registry::Node;
use crate::session::SessionHandle;
use crate::store::{Listing, RoomRecord};
use crate::{CloseReason, Error, Event, ParticipantId, Result, SessionId};
use media::{Command, LossReason, PeerId};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Commands that the media plane had no place for. When more wait than this, the room fails: its picture of who receives what would
/// no longer be true.
/// In a voice room of fifty, one arrival or one new camera binds a slot of everyone: many of them may come at once.
const BACKLOG_COMMANDS: usize = 4_096;
/// Time between two tries to pass the backlog on.
const BACKLOG_RETRY: Duration = Duration::from_millis(50);
/// Tries to mark a room as ended in the store, and the time between them. After the last one it opens again with the next process.
const END_TRIES: u32 = 5;
const END_RETRY: Duration = Duration::from_secs(1);

struct Actor {
    node: Arc<Node>,
    handle: RoomHandle,
    room: Room,
    inbox: mpsc::Receiver<Request>,
    sessions: HashMap<SessionId, SessionHandle>,
    backlog: VecDeque<MediaOutput>,
    /// Answered once the end is durable.
    closer: Option<(oneshot::Sender<Result<Answer>>, Result<Answer>)>,
}

/// Starts the task of a room that ends after `idle` unless somebody joins.
pub(crate) fn spawn(node: Arc<Node>, record: RoomRecord, idle: Duration) -> RoomHandle {
    let facts = Facts {
        id: record.id.clone(),
        name: record.name.clone(),
        kind: record.kind,
        capacity: record.capacity,
        has_password: record.password_hash.is_some(),
        owner: record.owner.id.clone(),
        channel: record.channel.clone(),
    };
    let graces = Graces { closed: node.config.closed_grace, silent: node.config.silent_grace, empty: node.config.empty_ttl };
    let (inbox_sender, inbox) = mpsc::channel(INBOX_REQUESTS);
    let handle = RoomHandle(Arc::new(Shared {
        record,
        inbox: inbox_sender,
        media_inbox: Arc::default(),
        media: OnceLock::new(),
        chat: OnceLock::new(),
        seated: AtomicU8::new(0),
        fate: OnceLock::new(),
    }));
    let room = Room::new(facts, graces, now() + idle);
    let (sessions, backlog) = (HashMap::new(), VecDeque::new());
    let actor = Actor { node, handle: handle.clone(), room, inbox, sessions, backlog, closer: None };
    // Before its task first runs: whoever opened the room finds it listed.
    actor.node.lobby.occupied(handle.record(), 0);
    tokio::spawn(actor.run());
    handle
}

/// tokio's clock, so that tests can move it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

impl Actor {
    async fn run(mut self) {
        let media_inbox = self.handle.0.media_inbox.clone();
        let fate = loop {
            let retry = (!self.backlog.is_empty()).then(|| now() + BACKLOG_RETRY);
            let ended = tokio::select! {
                biased;
                () = sleep_until(self.room.next_deadline()) => self.step(Input::Deadline, Arrival::default(), None),
                event = media_inbox.recv() => self.step(Input::Media(event), Arrival::default(), None),
                Some(request) = self.inbox.recv() => self.step(request.input, request.arrival, request.reply),
                () = sleep_until(retry) => self.flush_backlog(),
            };
            if let Some(fate) = ended {
                break fate;
            }
        };
        self.finish(fate).await;
    }

    /// Lets the core decide, and performs what it says. Returns how the room is over, if it is.
    fn step(&mut self, input: Input, arrival: Arrival, reply: Option<oneshot::Sender<Result<Answer>>>) -> Option<Fate> {
        let mut outputs = Vec::new();
        let resumed = if let Input::Resumed { session } = &input { self.sessions.get(session).cloned() } else { None };
        let room = &mut self.room;
        let handled = std::panic::catch_unwind(AssertUnwindSafe(|| room.handle(now(), input, &mut outputs)));
        if handled.is_err() {
            return Some(Fate::Failed);
        }
        let (mut fate, mut answer) = (None, None);
        let Arrival { mut session, mut negotiated } = arrival;
        for output in outputs {
            match output {
                Output::Answer(decided) => {
                    // What was sent before this is in the snapshot, what is sent after it isn't.
                    resumed.iter().for_each(SessionHandle::mark);
                    answer = Some(decided);
                }
                Output::Send { to, event } => self.send(&to, event),
                Output::Media(command) => fate = fate.or(self.media(command, &mut negotiated)),
                Output::Seated { session: id } => self.seat(id, session.take()),
                Output::Released { session } => self.release(&session),
                Output::Occupied { seats } => self.occupied(seats),
                Output::Ended => fate = Some(Fate::Ended),
                Output::Stopped => fate = Some(Fate::Stopped),
            }
        }
        if let (Some(reply), Some(answer)) = (reply, answer) {
            match fate {
                Some(_) => self.closer = Some((reply, answer)),
                // A caller that has stopped waiting needs no answer.
                None => drop(reply.send(answer)),
            }
        }
        fate
    }

    fn send(&self, to: &SessionId, event: Arc<Event>) {
        if let Some(session) = self.sessions.get(to) {
            session.send(event);
        }
    }

    fn seat(&mut self, id: SessionId, arriving: Option<SessionHandle>) {
        self.node.sessions.seated(&id, &self.handle.record().id);
        if let Some(session) = arriving {
            self.sessions.insert(id, session);
        }
    }

    fn release(&mut self, session: &SessionId) {
        self.sessions.remove(session);
        self.node.sessions.released(session, &self.handle.record().id);
    }

    fn occupied(&self, seats: u8) {
        let record = self.handle.record();
        self.handle.0.seated.store(seats, Ordering::Relaxed);
        match record.listing {
            Listing::Lobby | Listing::Unlisted => self.node.lobby.occupied(record, seats),
            Listing::Channel => self.node.call_occupied(record, self.room.people()),
        }
    }

    fn media(&mut self, output: MediaOutput, negotiated: &mut Option<Box<media::Negotiated>>) -> Option<Fate> {
        let fate = self.flush_backlog();
        if fate.is_some() {
            return fate;
        }
        if let MediaOutput::AddPeer { peer, tag, data } = output {
            return self.add_peer(peer, &tag, data, negotiated.take());
        }
        if !self.backlog.is_empty() || !self.try_command(&output) {
            self.backlog.push_back(output);
        }
        None
    }

    /// A peer that found no place is lost like one whose transport died: its client is told, and offers anew.
    fn add_peer(&mut self, peer: PeerId, tag: &ParticipantId, data: bool, negotiated: Option<Box<media::Negotiated>>) -> Option<Fate> {
        let added = match (self.handle.0.media.get(), negotiated) {
            (Some(media), Some(negotiated)) if self.backlog.is_empty() => {
                let tag = tag.as_str().as_bytes().to_vec();
                media.command(Command::AddPeer { peer, negotiated, tag, data }).is_ok()
            }
            _ => false,
        };
        if added {
            return None;
        }
        tracing::warn!(room = %self.handle.record().id, ?peer, "the media plane has no place for a peer");
        let lost = media::Event::Lost { peer, reason: LossReason::NeverConnected };
        media::EventSink::event(&*self.handle.0.media_inbox, lost);
        None
    }

    fn try_command(&self, output: &MediaOutput) -> bool {
        let Some(media) = self.handle.0.media.get() else { return true };
        let command = match *output {
            // Needs what only an arrival brings: see `add_peer`.
            MediaOutput::AddPeer { .. } => return true,
            MediaOutput::RemovePeer { peer } => Command::RemovePeer { peer },
            MediaOutput::Publish { peer, mid, track, kind } => Command::Publish { peer, mid, track, kind },
            MediaOutput::Unpublish { track } => Command::Unpublish { track },
            MediaOutput::Bind { peer, slot, track } => Command::Bind { peer, slot, track },
            MediaOutput::BindSpeaker { peer, slot } => Command::BindSpeaker { peer, slot },
            MediaOutput::SetMuted { track, muted } => Command::SetMuted { track, muted },
            MediaOutput::Demand { peer, slot, demand } => Command::Demand { peer, slot, demand },
        };
        media.command(command).is_ok()
    }

    fn flush_backlog(&mut self) -> Option<Fate> {
        while let Some(output) = self.backlog.front() {
            if !self.try_command(output) {
                break;
            }
            self.backlog.pop_front();
        }
        (self.backlog.len() > BACKLOG_COMMANDS).then_some(Fate::Failed)
    }

    async fn finish(mut self, fate: Fate) {
        let id = self.handle.record().id.clone();
        // Set before the inbox closes: whoever finds it closed learns why.
        self.handle.0.fate.get_or_init(|| fate);
        self.inbox.close();
        if self.handle.record().listing == Listing::Channel {
            self.node.call_over(self.handle.record());
        }
        match fate {
            Fate::Ended => {
                self.node.lobby.remove(self.handle.record());
                tracing::info!(room = %id, "room ended");
                self.end_in_store().await;
            }
            Fate::Failed => {
                // Before anybody is told: who joins anew at once must not meet this task.
                self.node.forget(&self.handle);
                self.fail();
            }
            Fate::Stopped => {}
        }
        self.node.forget(&self.handle);
        if let Some((reply, answer)) = self.closer {
            let _ = reply.send(answer);
        }
    }

    async fn end_in_store(&mut self) {
        let id = &self.handle.record().id;
        for tries in 1..=END_TRIES {
            let ended = self.node.store.end_room(id, SystemTime::now()).await;
            if let Some((_, answer)) = &mut self.closer {
                *answer = ended.map(|()| Answer::Done).map_err(Error::from);
            }
            let Err(error) = ended else { return };
            tracing::warn!(room = %id, %error, tries, "could not end the room in the store");
            tokio::time::sleep(END_RETRY).await;
        }
        tracing::error!(room = %id, "the room stays open in the store, and opens again with the next process");
    }

    fn fail(&mut self) {
        let id = self.handle.record().id.clone();
        tracing::error!(room = %id, "a room failed; it can be joined anew");
        self.node.count_failed_room();
        let event = Arc::new(Event::RoomClosed { room: id.clone(), reason: CloseReason::Failed });
        for (session, handle) in self.sessions.drain() {
            handle.send(event.clone());
            self.node.sessions.released(&session, &id);
        }
        self.node.lobby.occupied(self.handle.record(), 0);
    }
}
