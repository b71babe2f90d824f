//! One headless user: enters a room, sends until told to stop, leaves, and tells what happened.
//!
//! It decides nothing about the run; [`crate::scenario`] does. Whatever fails becomes a [`Failure`] in its report, never a panic.

use crate::reception::Slot;
use crate::rtc::{Epoch, Peer, Publishing, RtcError};
use crate::socket::{Closed, ConnectError, Event, Inbox, RequestError, Socket};
use crate::source::{AudioSource, FrameKind, VIDEO_FPS, VideoSource};
use crate::target::Dialer;
use serde_json::{Value, json};
use signaling::protocol::client_event::{RoomJoin, RoomJoined, RoomRef};
use signaling::protocol::types::{SdpKind, SessionDescription};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How long the socket may take to close after the user left.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What all users of a run share.
#[derive(Debug, Clone)]
pub struct Common {
    pub dialer: Dialer,
    /// Where media leaves this machine.
    pub local: IpAddr,
    pub epoch: Epoch,
    pub rates: Rates,
}

/// Packets a second of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub audio_pps: u32,
    /// `None`: no camera.
    pub video_pps: Option<u32>,
}

/// Who a user is, and where it goes.
#[derive(Clone)]
pub struct Ticket {
    /// Unique in the run: it is in every packet.
    pub user: u32,
    /// The room's number in the run.
    pub room_number: u32,
    pub room: String,
    pub token: String,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For counting: a code of the protocol, or a word of ours.
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }
}

/// How long the steps of joining took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinTimes {
    /// TCP connect to entered namespace.
    pub socket_us: u64,
    /// `room:join` to its ack.
    pub request_us: u64,
    /// TCP connect to media transport up: what a person waits for.
    pub total_us: u64,
}

/// What one user saw.
#[derive(Debug, Clone)]
pub struct UserReport {
    pub user: u32,
    pub room_number: u32,
    /// When it began to connect, in microseconds since the epoch.
    pub started_us: u64,
    /// `None` when it could not join.
    pub joined: Option<JoinTimes>,
    pub audio_sent: u64,
    pub video_sent: u64,
    /// Requests for a key frame of its camera.
    pub key_frame_requests: u64,
    /// `speaker:changed` events.
    pub speaker_changes: u64,
    /// By mid; those that received anything.
    pub slots: BTreeMap<String, Slot>,
    pub failures: Vec<Failure>,
}

impl UserReport {
    fn starting(ticket: &Ticket, started_us: u64) -> Self {
        Self {
            user: ticket.user,
            room_number: ticket.room_number,
            started_us,
            joined: None,
            audio_sent: 0,
            video_sent: 0,
            key_frame_requests: 0,
            speaker_changes: 0,
            slots: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// A user that never got as far as connecting.
    pub fn failed(user: u32, room_number: u32, failure: Failure) -> Self {
        let ticket = Ticket { user, room_number, room: String::new(), token: String::new() };
        Self { failures: vec![failure], ..Self::starting(&ticket, 0) }
    }
}

/// Runs a user until `stop`, or until its connection ends. `settled` gets one message when the user has joined or failed to.
pub async fn run(common: Common, ticket: Ticket, settled: mpsc::Sender<()>, stop: CancellationToken) -> UserReport {
    let mut report = UserReport::starting(&ticket, common.epoch.now_us());
    let entered = tokio::select! {
        entered = enter(&common, &ticket, report.started_us) => entered,
        () = stop.cancelled() => Err(Failure::new("stopped", "the run was stopped before this user had joined")),
    };
    let _ = settled.send(()).await;
    match entered {
        Ok(mut call) => {
            report.joined = Some(call.times);
            call.stay(&common, &mut report, &stop).await;
            call.leave(&ticket.room, &mut report).await;
        }
        Err(failure) => report.failures.push(failure),
    }
    report
}

/// A user inside a room.
struct Call {
    user: u32,
    socket: Socket,
    inbox: Inbox,
    peer: Peer,
    times: JoinTimes,
    connected: bool,
}

async fn enter(common: &Common, ticket: &Ticket, started_us: u64) -> Result<Call, Failure> {
    let since = |then: u64| common.epoch.now_us().saturating_sub(then);
    let (socket, inbox) = Socket::connect(&common.dialer, &json!({ "token": ticket.token })).await?;
    let socket_us = since(started_us);
    let publishing = if common.rates.video_pps.is_some() { Publishing::AudioAndVideo } else { Publishing::Audio };
    let peer = Peer::open(common.local, publishing, common.epoch).await?;
    let offer = SessionDescription { kind: SdpKind::Offer, sdp: peer.offer().await? };
    let request = RoomJoin { room: ticket.room.clone(), password: None, offer: Some(offer), publish: None };
    let asked_us = common.epoch.now_us();
    let joined: RoomJoined = socket.request("room:join", &request).await?;
    let request_us = since(asked_us);
    let answer = joined.answer.ok_or_else(|| Failure::new("protocol", "the ack of room:join has no answer to the offer"))?;
    peer.connect(answer.sdp).await?;
    let times = JoinTimes { socket_us, request_us, total_us: since(started_us) };
    Ok(Call { user: ticket.user, socket, inbox, peer, times, connected: true })
}

/// Whether a user goes on after an event.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Stay,
    Leave,
}

impl Call {
    async fn stay(&mut self, common: &Common, report: &mut UserReport, stop: &CancellationToken) {
        let mut audio = AudioSource::new(self.user, self.peer.audio_ssrc(), common.rates.audio_pps);
        let mut audio_tick = every(common.rates.audio_pps);
        let mut video = self.peer.video_ssrc().zip(common.rates.video_pps).map(|(ssrc, pps)| VideoSource::new(self.user, ssrc, pps));
        let mut video_tick = every(VIDEO_FPS);
        loop {
            let sent = tokio::select! {
                () = stop.cancelled() => return,
                event = self.inbox.next() => {
                    if self.heard(event, report).await == Next::Leave {
                        return;
                    }
                    Ok(())
                }
                state = self.peer.lost() => Err(RtcError::Transport(state)),
                _ = audio_tick.tick() => self.speak(&mut audio, common.epoch, report).await,
                _ = video_tick.tick() => self.show(video.as_mut(), common.epoch, report).await,
            };
            if let Err(error) = sent {
                report.failures.push(error.into());
                return;
            }
        }
    }

    async fn speak(&self, source: &mut AudioSource, epoch: Epoch, report: &mut UserReport) -> Result<(), RtcError> {
        let (packet, level) = source.next(epoch.now_us());
        report.audio_sent += 1;
        self.peer.send_audio(packet, level).await
    }

    async fn show(&self, source: Option<&mut VideoSource>, epoch: Epoch, report: &mut UserReport) -> Result<(), RtcError> {
        let Some(source) = source else { return Ok(()) };
        let requests = self.peer.take_key_frame_requests();
        report.key_frame_requests += requests;
        let kind = if requests > 0 { FrameKind::Key } else { FrameKind::Delta };
        for packet in source.next(epoch.now_us(), kind) {
            report.video_sent += 1;
            self.peer.send_video(packet).await?;
        }
        Ok(())
    }

    async fn heard(&mut self, event: Result<Event, Closed>, report: &mut UserReport) -> Next {
        let event = match event {
            Ok(event) => event,
            Err(closed) => {
                self.connected = false;
                report.failures.push(Failure::new("connection_lost", closed));
                return Next::Leave;
            }
        };
        if let Some(id) = event.ack {
            self.socket.answer(id, json!({ "ok": true })).await;
        }
        match event.name.as_str() {
            "speaker:changed" => report.speaker_changes += 1,
            "room:closed" | "room:replaced" | "media:lost" | "session:draining" => {
                let reason = event.payload.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
                report.failures.push(Failure::new(&event.name.replace(':', "_"), reason));
                return Next::Leave;
            }
            _ => {}
        }
        Next::Stay
    }

    async fn leave(mut self, room: &str, report: &mut UserReport) {
        report.slots = self.peer.slots();
        if self.connected {
            let left: Result<Value, RequestError> = self.socket.request("room:leave", &RoomRef { room: room.to_owned() }).await;
            // A user that was thrown out has nothing to leave.
            if let (Err(error), true) = (left, report.failures.is_empty()) {
                report.failures.push(error.into());
            }
            self.socket.close().await;
            let ended = async { while self.inbox.next().await.is_ok() {} };
            if tokio::time::timeout(CLOSE_TIMEOUT, ended).await.is_err() {
                tracing::debug!(user = self.user, "the server did not close the socket");
            }
        }
        self.peer.close().await;
    }
}

/// Ticks that make up for late ones, so that the rate holds on a busy machine.
fn every(times_a_second: u32) -> Interval {
    let mut interval = tokio::time::interval(Duration::from_secs(1) / times_a_second.max(1));
    interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
    interval
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let code = match &error {
            ConnectError::Unreachable { .. } => "unreachable".to_owned(),
            ConnectError::NotSocketIo { .. } => "protocol".to_owned(),
            // Refusals begin with their code.
            ConnectError::Refused(message) => message.split(':').next().unwrap_or("refused").to_owned(),
            ConnectError::TimedOut => "timed_out".to_owned(),
        };
        Self::new(&code, error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let code = match &error {
            RequestError::Refused(refused) => match serde_json::to_value(refused.code) {
                Ok(Value::String(code)) => code,
                _ => "refused".to_owned(),
            },
            RequestError::TimedOut => "timed_out".to_owned(),
            RequestError::Answer(_) => "protocol".to_owned(),
            RequestError::TooMany => "too_many".to_owned(),
            RequestError::Closed => "connection_lost".to_owned(),
        };
        Self::new(&code, error)
    }
}

impl From<RtcError> for Failure {
    fn from(error: RtcError) -> Self {
        let code = match &error {
            RtcError::Stack(_) => "media",
            RtcError::Transport(_) => "media_lost",
            RtcError::TimedOut => "media_timed_out",
        };
        Self::new(code, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signaling::protocol::error::{ErrorCode, WireError};

    #[test]
    fn a_refusal_is_counted_under_its_wire_code() {
        let error = WireError { code: ErrorCode::RoomFull, message: "the room is full".into(), retry_after_ms: None };
        assert_eq!(Failure::from(RequestError::Refused(error)), Failure::new("room_full", "the room is full"));
        let refused = ConnectError::Refused("unauthorized: token expired".into());
        assert_eq!(Failure::from(refused).code, "unauthorized");
    }

    #[tokio::test]
    async fn an_unreachable_node_ends_the_user_with_one_failure() {
        let common = Common {
            dialer: Dialer::new("http://127.0.0.1:1".parse().unwrap(), None).unwrap(),
            local: IpAddr::from([127, 0, 0, 1]),
            epoch: Epoch::start(),
            rates: Rates { audio_pps: 50, video_pps: None },
        };
        let ticket = Ticket { user: 0, room_number: 0, room: "r".into(), token: "t".into() };
        let (settled, mut settling) = mpsc::channel(1);
        let report = run(common, ticket, settled, CancellationToken::new()).await;
        assert!(report.joined.is_none());
        assert_eq!(report.failures[0].code, "unreachable");
        assert_eq!(settling.recv().await, Some(()));
    }
}
