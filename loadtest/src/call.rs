//! One user inside a room: sends at its rates, counts what it hears, and keeps its connections up until it leaves.
//!
//! One task with one timer. It decides nothing about the run; [`crate::user`] has the user's life over several calls.

use crate::chat::{Line, Order};
use crate::checks::Stay;
use crate::dice::Dice;
use crate::failure::Failure;
use crate::network::Network;
use crate::pace::{Act, Pace};
use crate::recorder::Recorder;
use crate::rtc::{Peer, Plan, RtcError};
use crate::scenario::Scenario;
use crate::session::{Session, Signal};
use crate::socket::{Event, RequestError};
use crate::source::{AudioSource, Encoding, FrameKind, Origin, Shape, Turns, VideoSource};
use crate::user::{Common, Person};
use crate::wire::{Answered, Joined, Kind, Layers, Map, Published, Stalled, Track, Written};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use signaling::protocol::client_event::{ChatSend, MediaOffer, MediaSubscribe, RoomJoin, RoomRef, SessionRefresh};
use signaling::protocol::error::ErrorCode;
use signaling::protocol::types::{SdpKind, SessionDescription};
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often a lost media transport is made anew before the call is given up.
const MEDIA_ATTEMPTS: u32 = 3;
/// How long messages that were sent may wait for their acks after the user decided to leave.
const ACKS_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a call ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Exit {
    /// The run is over.
    Stopped,
    /// The user leaves, as its scenario has it.
    Leaves,
    /// The session is back, but without its seat.
    Unseated,
    /// Something ended it.
    Lost(Failure),
}

/// A user in a room.
pub struct Call {
    scenario: Scenario,
    person: Person,
    common: Common,
    recorder: Recorder,
    session: Session,
    channel: String,
    order: Order,
    media: Media,
    takes: u16,
    /// When it began to connect, and whom it found: the tracks' kinds.
    started_us: u64,
    found: Vec<Kind>,
    mids: HashMap<String, String>,
    /// This user's id among the room's participants, and its camera's track.
    me: String,
    camera: Option<String>,
    /// Messages waiting for their acks, and tokens on their way.
    tasks: JoinSet<Option<String>>,
    stays: Vec<Stay>,
}

/// One peer, and what it sends.
struct Media {
    peer: Peer,
    origin: Origin,
    up_us: u64,
    audio: Option<AudioSource>,
    layers: Vec<Layer>,
}

struct Layer {
    source: VideoSource,
    /// Whether anybody wants it, as far as the server says.
    active: bool,
    /// Its next frame must be a key frame.
    fresh: bool,
}

impl Call {
    /// Connects, takes a seat and brings media up.
    ///
    /// # Errors
    /// [`Failure`] with the code of the step that failed.
    pub async fn enter(common: &Common, person: &Person, token: String, takes: u16) -> Result<Self, Failure> {
        let recorder = person.recorder.clone();
        let started_us = recorder.now_us();
        let dice = Dice::new(common.scenario.seed, u64::from(person.user) << 20 | u64::from(takes) << 4);
        let session = Session::open(common.dialer.clone(), token, recorder.clone(), dice).await?;
        let socket_us = recorder.now_us();
        let (peer, offer) = open(common, person, takes).await?;
        let request = RoomJoin { room: person.room.clone(), password: None, offer: Some(offer), publish: None };
        let asked_us = recorder.now_us();
        let joined: Joined = session.request("room:join", &request).await?;
        let answered_us = recorder.now_us();
        let answer = joined.answer.ok_or_else(|| Failure::new("protocol", "the ack of room:join has no answer to the offer"))?;
        if let Err(error) = peer.connect(answer.sdp).await {
            peer.close().await;
            return Err(error.into());
        }
        let media = Media::new(common, person, peer, takes);
        recorder.with(|tally| {
            tally.times.socket.record(socket_us - started_us);
            tally.times.request.record(answered_us - asked_us);
            tally.times.join.record(media.up_us - started_us);
            tally.people.joins += 1;
            tally.second(media.up_us).joined += 1;
        });
        let others = joined.tracks.iter().filter(|track| track.participant != joined.me.id);
        let mut call = Self {
            found: others.map(|track| track.kind).collect(),
            scenario: common.scenario.clone(),
            person: person.clone(),
            common: common.clone(),
            recorder,
            session,
            channel: joined.room.channel,
            order: Order::default(),
            media,
            takes: takes + 1,
            started_us,
            mids: HashMap::new(),
            me: joined.me.id,
            camera: None,
            tasks: JoinSet::new(),
            stays: Vec::new(),
        };
        joined.tracks.into_iter().for_each(|track| call.published(track));
        Ok(call)
    }

    /// Runs until something ends the call.
    pub async fn run(&mut self, stop: &CancellationToken) -> Exit {
        let dice = Dice::new(self.scenario.seed, u64::from(self.person.user) << 20 | u64::from(self.takes) << 4 | 1);
        let mut pace = Pace::new(&self.scenario, dice, self.recorder.now_us());
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let next_us = pace.next_us();
            if let Some(next_us) = next_us {
                let wait = Duration::from_micros(next_us.saturating_sub(self.recorder.now_us()));
                timer.as_mut().reset(Instant::now() + wait);
            }
            let went_on = tokio::select! {
                () = stop.cancelled() => return Exit::Stopped,
                signal = self.session.next() => self.heard(signal).await,
                _ = self.media.peer.lost() => self.renew_media().await,
                Some(done) = self.tasks.join_next() => {
                    if let Ok(Some(token)) = done {
                        self.session.renew_token(token);
                    }
                    Ok(())
                }
                () = &mut timer, if next_us.is_some() => self.act(&mut pace).await,
            };
            if let Err(exit) = went_on {
                return exit;
            }
        }
    }

    /// Leaves the room and tells what this call received.
    pub async fn leave(mut self) -> Vec<Stay> {
        self.media_ends();
        let acks = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(ACKS_TIMEOUT, acks).await;
        if self.session.socket().is_some() {
            let left: Result<IgnoredAny, _> = self.session.request("room:leave", &RoomRef { room: self.person.room.clone() }).await;
            if let Err(error) = left {
                let failure = Failure::from(error);
                self.recorder.error(&failure.code, failure.message);
            }
            self.session.close().await;
        }
        self.media.peer.close().await;
        self.stays
    }

    /// Is gone without a word, as a browser that was killed or that lost its seat, and tells what this call received.
    pub async fn vanish(mut self) -> Vec<Stay> {
        self.media_ends();
        drop(self.session);
        self.media.peer.abandon().await;
        self.stays
    }

    /// How many peers the user has had.
    pub fn takes(&self) -> u16 {
        self.takes
    }

    async fn act(&mut self, pace: &mut Pace) -> Result<(), Exit> {
        while let Some(act) = pace.due(self.recorder.now_us()) {
            let sent = match act {
                Act::Speak => self.media.speak(&self.recorder).await,
                Act::Show => self.media.show(&self.recorder).await,
                Act::Write => {
                    self.write();
                    Ok(())
                }
                Act::Cut => {
                    self.session.cut();
                    Ok(())
                }
                Act::Leave => return Err(Exit::Leaves),
            };
            // A peer that can't send any more says so in its state, too.
            if let Err(error) = sent {
                tracing::debug!(user = self.person.user, %error, "sending");
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends a message, unless the connection is lost: nobody types then.
    fn write(&mut self) {
        let Some(socket) = self.session.socket() else { return };
        let recorder = self.recorder.clone();
        let sent_us = recorder.now_us();
        let line = Line { user: self.person.user, sent_us };
        let nonce = format!("{:032x}", rand::random::<u128>());
        let request = ChatSend {
            channel: self.channel.clone(),
            nonce,
            text: line.text(self.scenario.chat.bytes),
            reply_to: None,
            attachments: vec![],
        };
        recorder.with(|tally| tally.chat.sent += 1);
        self.tasks.spawn(async move {
            let acked: Result<IgnoredAny, _> = socket.request("chat:send", &request).await;
            match acked {
                Ok(_) => recorder.with(|tally| {
                    tally.chat.acked += 1;
                    tally.times.chat_ack.record(recorder.now_us().saturating_sub(sent_us));
                }),
                // Nobody knows whether it was stored: it counts as sent and not as acked.
                Err(RequestError::Closed) => {}
                Err(error) => {
                    let failure = Failure::from(error);
                    recorder.error(&failure.code, failure.message);
                }
            }
            None
        });
    }

    async fn heard(&mut self, signal: Signal) -> Result<(), Exit> {
        match signal {
            Signal::Event(event) => self.event(event).await,
            Signal::Lost(failure) => {
                tracing::debug!(user = self.person.user, %failure.message, "the connection was lost");
                Ok(())
            }
            Signal::Back { seated: true } => {
                // What was written meanwhile is in the history, not in the events.
                self.order = Order::default();
                Ok(())
            }
            Signal::Back { seated: false } => Err(Exit::Unseated),
            Signal::GaveUp(failure) => Err(Exit::Lost(failure)),
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Exit> {
        if let (Some(id), Some(socket)) = (event.ack, self.session.socket()) {
            socket.answer(id, json!({ "ok": true })).await;
        }
        match event.name.as_str() {
            "speaker:changed" => self.recorder.with(|tally| tally.speaker_changes += 1),
            "chat:message" => self.message(parse(event)?),
            "media:map" => {
                let map: Map = parse(event)?;
                self.mids = map.slots.into_iter().filter_map(|slot| Some((slot.track?, slot.mid))).collect();
            }
            "track:published" => {
                let Published { track } = parse(event)?;
                self.published(track);
            }
            "media:stalled" => {
                let Stalled { track, stalled } = parse(event)?;
                if let (Some(mid), true) = (self.mids.get(&track), stalled) {
                    self.media.peer.pause(mid);
                }
            }
            "media:layers" => {
                let Layers { track, wanted, active } = parse(event)?;
                if self.camera.as_ref() == Some(&track) {
                    self.media.send_only(wanted, &active);
                }
            }
            "media:lost" => return self.renew_media().await,
            "session:expiring" => self.refresh(),
            "room:closed" | "room:replaced" => {
                let reason = event.payload.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
                return Err(Exit::Lost(Failure::new(&event.name.replace(':', "_"), reason)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Remembers its own camera, and says of somebody else's how large it is shown.
    fn published(&mut self, track: Track) {
        if track.kind != Kind::Video {
            return;
        }
        if track.participant == self.me {
            self.camera = Some(track.id);
            return;
        }
        let (Some((width, height)), Some(socket)) = (self.scenario.video.tile, self.session.socket()) else { return };
        let recorder = self.recorder.clone();
        let request = MediaSubscribe { track: track.id, paused: false, width: Some(width), height: Some(height) };
        self.tasks.spawn(async move {
            let told: Result<IgnoredAny, _> = socket.request("media:subscribe", &request).await;
            match told {
                Ok(_) | Err(RequestError::Closed) => {}
                // Its publisher has left meanwhile.
                Err(RequestError::Refused(error)) if error.code == ErrorCode::NotFound => {}
                Err(error) => {
                    let failure = Failure::from(error);
                    recorder.error(&failure.code, failure.message);
                }
            }
            None
        });
    }

    fn message(&mut self, Written { message }: Written) {
        let missed = self.order.saw(message.seq);
        let now_us = self.recorder.now_us();
        self.recorder.with(|tally| {
            tally.chat.missed += missed;
            if let Some(line) = Line::read(&message.text).filter(|line| line.user != self.person.user) {
                tally.chat.delivered += 1;
                tally.times.chat_delivery.record(now_us.saturating_sub(line.sent_us));
            }
        });
    }

    /// Gets a newer token from the backend and shows it, while the call goes on.
    fn refresh(&mut self) {
        let Some(socket) = self.session.socket() else { return };
        let (backend, person, recorder) = (self.common.backend.clone(), self.person.clone(), self.recorder.clone());
        self.tasks.spawn(async move {
            let refreshed = async {
                let token = backend.room_token(&person.room, &person.name, &person.name).await?;
                let _: IgnoredAny = socket.request("session:refresh", &SessionRefresh { token: token.clone() }).await?;
                Ok::<_, Failure>(token)
            };
            refreshed.await.inspect_err(|failure| recorder.error(&failure.code, &failure.message)).ok()
        });
    }

    /// A new peer in the same seat, for one whose transport died.
    async fn renew_media(&mut self) -> Result<(), Exit> {
        let lost_us = self.recorder.now_us();
        self.media_ends();
        self.media.peer.close().await;
        let mut last = Failure::new("media_lost", "no attempt was made to come back");
        for _ in 0..MEDIA_ATTEMPTS {
            self.connected().await?;
            match self.offer_anew().await {
                Ok(media) => {
                    self.media = media;
                    let up_us = self.media.up_us;
                    self.recorder.with(|tally| {
                        tally.connections.media += 1;
                        tally.times.media_reconnect.record(up_us.saturating_sub(lost_us));
                        tally.second(up_us).reconnects += 1;
                    });
                    return Ok(());
                }
                Err(failure) => last = failure,
            }
        }
        Err(Exit::Lost(last))
    }

    /// Waits until there is a signaling connection with a seat.
    async fn connected(&mut self) -> Result<(), Exit> {
        while self.session.socket().is_none() {
            match self.session.next().await {
                Signal::Back { seated: false } => return Err(Exit::Unseated),
                Signal::GaveUp(failure) => return Err(Exit::Lost(failure)),
                Signal::Back { seated: true } => self.order = Order::default(),
                // What it missed of the room doesn't matter: its media begins anew.
                Signal::Event(_) | Signal::Lost(_) => {}
            }
        }
        Ok(())
    }

    async fn offer_anew(&mut self) -> Result<Media, Failure> {
        let take = self.takes;
        self.takes = self.takes.saturating_add(1);
        let (peer, offer) = open(&self.common, &self.person, take).await?;
        let answer: Answered = self.session.request("media:offer", &MediaOffer { offer, publish: None }).await?;
        if let Err(error) = peer.connect(answer.answer.sdp).await {
            peer.close().await;
            return Err(error.into());
        }
        answer.tracks.into_iter().for_each(|track| self.published(track));
        Ok(Media::new(&self.common, &self.person, peer, take))
    }

    /// Writes down what the present peer received.
    fn media_ends(&mut self) {
        let until_us = self.recorder.now_us();
        let slots = self.media.peer.slots();
        let subscriptions = || slots.values().flat_map(|slot| slot.from.values());
        let first_packet_us = subscriptions().map(|subscription| subscription.first_us).min();
        let first_frame_us = subscriptions().filter_map(|subscription| subscription.first_frame_us).min();
        // How long somebody waits for people who come later says nothing about the server.
        let found = std::mem::take(&mut self.found);
        self.recorder.with(|tally| {
            if let Some(first_us) = first_packet_us.filter(|_| !found.is_empty()) {
                tally.times.first_packet.record(first_us.saturating_sub(self.started_us));
            }
            if let Some(first_us) = first_frame_us.filter(|_| found.contains(&Kind::Video)) {
                tally.times.first_frame.record(first_us.saturating_sub(self.started_us));
            }
        });
        let room = self.person.room_number;
        self.stays.push(Stay::new(self.media.origin, room, self.media.up_us, until_us, &slots));
    }
}

/// A payload of the protocol, or the end of the call: a server that breaks it is not worth staying for.
fn parse<T: DeserializeOwned>(event: Event) -> Result<T, Exit> {
    let malformed = |error| Exit::Lost(Failure::new("protocol", format!("{}: {error}", event.name)));
    serde_json::from_value(event.payload).map_err(malformed)
}

/// A peer with its offer.
async fn open(common: &Common, person: &Person, take: u16) -> Result<(Peer, SessionDescription), Failure> {
    let dice = Dice::new(common.scenario.seed, u64::from(person.user) << 20 | u64::from(take) << 4 | 2);
    let network = if person.over_link { Network::over(common.scenario.link, dice) } else { Network::direct() };
    let Scenario { audio, video, .. } = &common.scenario;
    let camera = if video.on { Encoding::of(video) } else { vec![] };
    let plan = Plan { local: common.local, network, microphone: audio.on, camera, freeze_us: common.freeze_us(), slots: common.slots() };
    let peer = Peer::open(&plan, person.recorder.clone()).await?;
    let sdp = peer.offer().await?;
    Ok((peer, SessionDescription { kind: SdpKind::Offer, sdp }))
}

impl Media {
    fn new(common: &Common, person: &Person, peer: Peer, take: u16) -> Self {
        let origin = Origin { user: person.user, take };
        let Scenario { audio, video, .. } = &common.scenario;
        let microphone = Shape { pps: audio.pps, bytes: audio.bytes };
        let people = common.scenario.people;
        let turns = Turns { seat: person.user % people.max(1), people, speaking: audio.speaking };
        let camera = if video.on { Encoding::of(video) } else { vec![] };
        let layers = (0u8..).zip(camera).zip(peer.video_ssrcs());
        let layers = layers.map(|((index, encoding), &ssrc)| VideoSource::new(origin, ssrc, index, encoding, video.fps));
        Self {
            origin,
            up_us: person.recorder.now_us(),
            audio: peer.audio_ssrc().map(|ssrc| AudioSource::new(origin, ssrc, microphone, turns)),
            layers: layers.map(|source| Layer { source, active: true, fresh: true }).collect(),
            peer,
        }
    }

    /// Goes on with what anybody can use: these simulcast layers, or a camera without layers where it is wanted at all.
    fn send_only(&mut self, wanted: bool, active: &[String]) {
        for layer in &mut self.layers {
            let rid = layer.source.rid();
            let wanted = wanted && (rid.is_empty() || active.iter().any(|active| active == rid));
            layer.fresh |= wanted && !layer.active;
            layer.active = wanted;
        }
    }

    async fn speak(&mut self, recorder: &Recorder) -> Result<(), RtcError> {
        let Some(source) = &mut self.audio else { return Ok(()) };
        let now_us = recorder.now_us();
        let (packet, level) = source.next(now_us);
        recorder.with(|tally| tally.sent(RtpCodecKind::Audio, now_us, packet.payload.len()));
        self.peer.send_audio(packet, level).await
    }

    async fn show(&mut self, recorder: &Recorder) -> Result<(), RtcError> {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let requests = self.peer.take_key_frame_requests(index);
            recorder.with(|tally| tally.video.key_frame_requests += requests);
            layer.fresh |= requests > 0;
            if !layer.active {
                continue;
            }
            let kind = if std::mem::take(&mut layer.fresh) { FrameKind::Key } else { FrameKind::Delta };
            let now_us = recorder.now_us();
            for packet in layer.source.next(now_us, kind) {
                recorder.with(|tally| tally.sent(RtpCodecKind::Video, now_us, packet.payload.len()));
                self.peer.send_video(packet, layer.source.rid()).await?;
            }
        }
        Ok(())
    }
}
