//! A headless peer on the `webrtc` crate, so that the SFU's other end is an independent stack.
//!
//! One PeerConnection and one offer in its life: microphone and camera to send, and slots to receive others in. It counts what arrives
//! per slot, and hands key frame requests on; it knows no signaling.

use crate::network::Network;
use crate::reception::{Heard, Slot};
use crate::recorder::Recorder;
use crate::source::{AudioLevel, Encoding, OPUS_CLOCK, OPUS_PAYLOAD_TYPE, VP8_CLOCK, VP8_PAYLOAD_TYPE};
use crate::tap::{KeyFrameRequests, KeyFrameTap};
use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::RTCRtpTransceiverId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability,
    RTCRtpRtxParameters, RtpCodecKind,
};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use webrtc::media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCPeerConnectionState, RTCSessionDescription,
    Registry, SettingEngineBuilder, register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpTransceiver};

/// From the answer to the first media that could flow.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between connectivity checks, as browsers pace them (RFC 8445, 14.2). The crate's 200 ms would add itself to every join time.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Checks of a candidate pair before it counts as dead: 5 s.
const CHECKS: u16 = 100;
/// Between requests for a key frame that doesn't come.
const KEY_FRAME_RETRY: Duration = Duration::from_millis(200);

const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const RTX_PAYLOAD_TYPE: u8 = 97;

/// Why a headless peer doesn't work.
#[derive(Debug, thiserror::Error)]
pub enum RtcError {
    #[error("webrtc: {0}")]
    Stack(#[from] webrtc::error::Error),
    #[error("the media transport ended as {0}")]
    Transport(RTCPeerConnectionState),
    #[error("no media transport within {} s", CONNECT_TIMEOUT.as_secs())]
    TimedOut,
}

/// How a peer is made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The machine's address from which media leaves.
    pub local: IpAddr,
    pub network: Arc<Network>,
    /// Whether it sends audio.
    pub microphone: bool,
    /// What its camera sends, from the smallest layer to the largest; none without a camera.
    pub camera: Vec<Encoding>,
    /// A longer time without a new frame is a freeze, in microseconds.
    pub freeze_us: u64,
    pub slots: Slots,
}

/// Receive slots of the one offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    pub audio: u32,
    pub video: u32,
}

/// A peer. Dropping it without [`Peer::close`] leaves its socket to the runtime.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    observed: Arc<Observed>,
    state: watch::Receiver<RTCPeerConnectionState>,
    audio: Option<Outgoing>,
    video: Option<Outgoing>,
    extensions: OnceLock<Extensions>,
    key_frames: KeyFrameRequests,
    network: Arc<Network>,
}

struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    transceiver: Arc<dyn RtpTransceiver>,
    ssrcs: Vec<u32>,
}

/// The ids that the answer gave to the header extensions that this end writes.
#[derive(Debug, Default)]
struct Extensions {
    audio_level: Option<u8>,
    /// The camera's mid and the ids of mid and rid, where it has layers: their SSRCs mean nothing to the server by themselves.
    layers: Option<(String, u8, u8)>,
}

/// What the driver's callbacks and the reading tasks write, and the owner reads.
struct Observed {
    recorder: Recorder,
    freeze_us: u64,
    state: watch::Sender<RTCPeerConnectionState>,
    mids: OnceLock<HashMap<RTCRtpTransceiverId, String>>,
    slots: Mutex<BTreeMap<String, Slot>>,
}

impl Peer {
    /// Makes a peer that counts in `recorder`.
    ///
    /// # Errors
    /// [`RtcError::Stack`], such as when no socket can be bound.
    pub async fn open(plan: &Plan, recorder: Recorder) -> Result<Self, RtcError> {
        let mut engine = media_engine()?;
        let video_ssrcs: Vec<u32> = plan.camera.iter().map(|_| rand::random()).collect();
        let (tap, key_frames) = KeyFrameTap::new(video_ssrcs.clone());
        let registry = register_default_interceptors(Registry::new(), &mut engine)?.with(KeyFrameTap::SLOT, tap);
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let observed =
            Arc::new(Observed { recorder, freeze_us: plan.freeze_us, state: state_tx, mids: OnceLock::new(), slots: Mutex::default() });
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
            .with_write_ssrc_attributes_for_simulcast(true)
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler(observed.clone())))
            .with_runtime(plan.network.clone())
            .with_udp_addrs(vec![SocketAddr::new(plan.local, 0)])
            .build()
            .await?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let mut audio = None;
        if plan.microphone {
            audio = Some(Outgoing::add(&*connection, "microphone", RtpCodecKind::Audio, vec![encoding(opus(), rand::random(), "")]).await?);
        }
        let mut video = None;
        if !plan.camera.is_empty() {
            let layers = plan.camera.iter().zip(&video_ssrcs).map(|(layer, &ssrc)| encoding(vp8(), ssrc, layer.rid)).collect();
            video = Some(Outgoing::add(&*connection, "camera", RtpCodecKind::Video, layers).await?);
        }
        for (kind, slots) in [(RtpCodecKind::Audio, plan.slots.audio), (RtpCodecKind::Video, plan.slots.video)] {
            for _ in 0..slots {
                let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..Default::default() };
                connection.add_transceiver_from_kind(kind, Some(init)).await?;
            }
        }
        let network = plan.network.clone();
        Ok(Self { connection, observed, state, audio, video, extensions: OnceLock::new(), key_frames, network })
    }

    /// The one offer. It has no candidates: the server is ICE-lite and learns this end's address from the first check.
    ///
    /// # Errors
    /// [`RtcError::Stack`].
    pub async fn offer(&self) -> Result<String, RtcError> {
        let offer = self.connection.create_offer(None).await?;
        let sdp = offer.sdp.clone();
        self.connection.set_local_description(offer).await?;
        let mut mids = HashMap::new();
        for transceiver in self.connection.get_transceivers().await {
            if let Some(mid) = transceiver.mid().await? {
                mids.insert(transceiver.id(), mid);
            }
        }
        let _ = self.observed.mids.set(mids);
        Ok(sdp)
    }

    /// Takes the server's answer and waits until ICE and DTLS are up.
    ///
    /// # Errors
    /// [`RtcError`], at the latest after [`CONNECT_TIMEOUT`].
    pub async fn connect(&self, answer: String) -> Result<(), RtcError> {
        let _ = self.extensions.set(self.extensions_of(&answer).await?);
        self.connection.set_remote_description(RTCSessionDescription::answer(answer)?).await?;
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, RTCPeerConnectionState::New | RTCPeerConnectionState::Connecting));
        let settled = tokio::time::timeout(CONNECT_TIMEOUT, settled).await.map_err(|_| RtcError::TimedOut)?;
        match settled.map(|state| *state) {
            Ok(RTCPeerConnectionState::Connected) => Ok(()),
            Ok(state) => Err(RtcError::Transport(state)),
            Err(_) => Err(RtcError::Transport(RTCPeerConnectionState::Closed)),
        }
    }

    /// Waits until the media transport is no longer up.
    pub async fn lost(&self) -> RTCPeerConnectionState {
        let lost = self.state.clone().wait_for(|state| *state != RTCPeerConnectionState::Connected).await.map(|state| *state);
        lost.unwrap_or(RTCPeerConnectionState::Closed)
    }

    /// The SSRC that [`Peer::send_audio`] expects; `None` when this peer publishes none.
    pub fn audio_ssrc(&self) -> Option<u32> {
        self.audio.as_ref()?.ssrcs.first().copied()
    }

    /// The SSRCs that [`Peer::send_video`] expects, by layer; none when this peer publishes none.
    pub fn video_ssrcs(&self) -> &[u32] {
        self.video.as_ref().map_or(&[], |video| &video.ssrcs)
    }

    async fn extensions_of(&self, answer: &str) -> Result<Extensions, RtcError> {
        let audio_level = extension_id(answer, AUDIO_LEVEL_URI);
        let ids = extension_id(answer, MID_URI).zip(extension_id(answer, RID_URI));
        let mut layers = None;
        if let Some(video) = self.video.as_ref().filter(|video| video.ssrcs.len() > 1) {
            layers = video.transceiver.mid().await?.zip(ids).map(|(mid, (mid_id, rid_id))| (mid, mid_id, rid_id));
        }
        Ok(Extensions { audio_level, layers })
    }

    /// Sends a packet of the microphone, with its level where the server takes the extension. Nothing when this peer publishes none.
    ///
    /// # Errors
    /// [`RtcError::Stack`] after the peer was closed.
    pub async fn send_audio(&self, mut packet: rtc::rtp::Packet, level: AudioLevel) -> Result<(), RtcError> {
        let Some(audio) = &self.audio else { return Ok(()) };
        if let Some(id) = self.extensions.get().and_then(|extensions| extensions.audio_level) {
            packet.header.set_extension(id, vec![level.to_byte()].into())?;
        }
        Ok(audio.track.write_rtp(packet).await?)
    }

    /// Sends a packet of the camera's layer `rid`, which is empty without layers. Nothing when this peer publishes none.
    ///
    /// # Errors
    /// [`RtcError::Stack`] after the peer was closed.
    pub async fn send_video(&self, mut packet: rtc::rtp::Packet, rid: &'static str) -> Result<(), RtcError> {
        let Some(video) = &self.video else { return Ok(()) };
        if let Some((mid, mid_id, rid_id)) = self.extensions.get().and_then(|extensions| extensions.layers.as_ref()) {
            packet.header.set_extension(*mid_id, Bytes::copy_from_slice(mid.as_bytes()))?;
            packet.header.set_extension(*rid_id, Bytes::from_static(rid.as_bytes()))?;
        }
        Ok(video.track.write_rtp(packet).await?)
    }

    /// Requests for a key frame of one of the camera's layers since the last call.
    pub fn take_key_frame_requests(&self, layer: usize) -> u64 {
        self.key_frames.take(layer)
    }

    /// The server stops forwarding on a slot for a while; see [`Slot::pause`].
    pub fn pause(&self, mid: &str) {
        if let Some(slot) = self.observed.slots().get_mut(mid) {
            slot.pause();
        }
    }

    /// What arrived until now, by the slot's mid. Slots on which nothing came yet are not in it.
    pub fn slots(&self) -> BTreeMap<String, Slot> {
        self.observed.slots().clone()
    }

    /// Ends the media transport without a word, as a killed process does.
    pub async fn abandon(&self) {
        self.network.cut();
        self.close().await;
    }

    /// Ends the media transport.
    pub async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing a peer");
        }
    }
}

impl Outgoing {
    async fn add(
        connection: &dyn PeerConnection,
        name: &str,
        kind: RtpCodecKind,
        encodings: Vec<RTCRtpEncodingParameters>,
    ) -> Result<Self, RtcError> {
        let ssrcs = encodings.iter().filter_map(|encoding| encoding.rtp_coding_parameters.ssrc).collect();
        let track = MediaStreamTrack::new(name.to_owned(), name.to_owned(), name.to_owned(), kind, encodings);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Sendonly, ..Default::default() };
        let transceiver = connection.add_transceiver_from_track(track.clone(), Some(init)).await?;
        Ok(Self { track, transceiver, ssrcs })
    }
}

fn encoding(codec: RTCRtpCodec, ssrc: u32, rid: &str) -> RTCRtpEncodingParameters {
    let rtx = (codec.mime_type == MIME_TYPE_VP8).then(|| RTCRtpRtxParameters { ssrc: rand::random() });
    let coding = RTCRtpCodingParameters { rid: rid.to_owned(), ssrc: Some(ssrc), rtx, ..Default::default() };
    RTCRtpEncodingParameters { rtp_coding_parameters: coding, active: true, codec, ..Default::default() }
}

struct Handler(Arc<Observed>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.0.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(read(track, self.0.clone()));
    }
}

/// Counts one track's packets until the peer closes. Like a browser's decoder, it asks for a key frame as long as it has none: the
/// server may send before this end's DTLS is through, and what comes too early is lost.
async fn read(track: Arc<dyn TrackRemote>, observed: Arc<Observed>) {
    let kind = track.kind().await;
    let mut mid = None;
    let mut asked: Option<Instant> = None;
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnOpen(opened) => {
                let transceiver = RTCRtpTransceiverId::from(opened.receiver_id);
                mid = observed.mids.get().and_then(|mids| mids.get(&transceiver)).cloned();
            }
            TrackRemoteEvent::OnRtpPacket(packet) => {
                let Some(mid) = &mid else { continue };
                let wants_key_frame = observed.record(mid, kind, &packet.payload);
                if wants_key_frame && asked.is_none_or(|asked| asked.elapsed() >= KEY_FRAME_RETRY) {
                    asked = Some(Instant::now());
                    observed.recorder.with(|tally| tally.packets(kind).key_frames_asked += 1);
                    let request = PictureLossIndication { sender_ssrc: 0, media_ssrc: packet.header.ssrc };
                    if let Err(error) = track.write_rtcp(vec![Box::new(request)]).await {
                        tracing::debug!(%error, "asking for a key frame");
                    }
                }
            }
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

impl Observed {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a packet; true when its slot has to wait for a key frame.
    fn record(&self, mid: &str, kind: RtpCodecKind, payload: &Bytes) -> bool {
        let now_us = self.recorder.now_us();
        let mut slots = self.slots();
        if !slots.contains_key(mid) {
            slots.insert(mid.to_owned(), Slot::new(kind));
        }
        let Some(slot) = slots.get_mut(mid) else { return false };
        let heard = slot.record(payload, now_us);
        let wants_key_frame = slot.wants_key_frame(now_us);
        drop(slots);
        self.recorder.with(|tally| match heard {
            Heard::Unstamped => tally.packets(kind).unstamped += 1,
            Heard::Packet { arrival, frames, gap_us, from: _ } => {
                tally.arrived(kind, arrival);
                tally.watching.frames += u64::from(frames);
                if let Some(gap_us) = gap_us {
                    tally.between_frames(gap_us, self.freeze_us);
                }
            }
        });
        wants_key_frame
    }
}

fn media_engine() -> Result<MediaEngine, RtcError> {
    let mut engine = MediaEngine::default();
    let codec = |rtp_codec, payload_type| RTCRtpCodecParameters { rtp_codec, payload_type };
    engine.register_codec(codec(opus(), OPUS_PAYLOAD_TYPE), RtpCodecKind::Audio)?;
    engine.register_codec(codec(vp8(), VP8_PAYLOAD_TYPE), RtpCodecKind::Video)?;
    let rtx = RTCRtpCodec {
        mime_type: MIME_TYPE_RTX.to_owned(),
        clock_rate: VP8_CLOCK,
        sdp_fmtp_line: format!("apt={VP8_PAYLOAD_TYPE}"),
        ..Default::default()
    };
    engine.register_codec(codec(rtx, RTX_PAYLOAD_TYPE), RtpCodecKind::Video)?;
    let audio_level = RTCRtpHeaderExtensionCapability { uri: AUDIO_LEVEL_URI.to_owned() };
    engine.register_header_extension(audio_level, RtpCodecKind::Audio, None)?;
    Ok(engine)
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: OPUS_CLOCK,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

fn vp8() -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
    RTCRtpCodec {
        mime_type: MIME_TYPE_VP8.to_owned(),
        clock_rate: VP8_CLOCK,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir")],
    }
}

/// The id that an answer gives to a header extension (RFC 8285, 5), when it takes it at all.
fn extension_id(sdp: &str, uri: &str) -> Option<u8> {
    sdp.lines().find_map(|line| {
        let mut words = line.strip_prefix("a=extmap:")?.split_whitespace();
        let id = words.next()?.split('/').next()?.parse().ok()?;
        (words.next()? == uri).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, Video};

    #[test]
    fn the_extension_id_is_read_from_the_answer() {
        let sdp = "v=0\r\na=extmap:3 urn:other\r\na=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
        assert_eq!(extension_id(sdp, AUDIO_LEVEL_URI), Some(1));
        assert_eq!(extension_id("a=extmap:x urn:ietf:params:rtp-hdrext:ssrc-audio-level", AUDIO_LEVEL_URI), None);
        assert_eq!(extension_id("a=extmap:", AUDIO_LEVEL_URI), None);
    }

    const SLOTS: Slots = Slots { audio: 3, video: 4 };

    fn plan(microphone: bool, camera: Vec<Encoding>) -> Plan {
        Plan { local: IpAddr::from([127, 0, 0, 1]), network: Network::direct(), microphone, camera, freeze_us: 400_000, slots: SLOTS }
    }

    /// The offer's media sections.
    async fn offer(peer: &Peer) -> Vec<String> {
        peer.offer().await.unwrap().split("\r\nm=").skip(1).map(ToOwned::to_owned).collect()
    }

    fn count(sections: &[String], kind: &str, direction: &str) -> usize {
        let attribute = format!("a={direction}");
        sections.iter().filter(|section| section.starts_with(kind) && section.lines().any(|line| line == attribute)).count()
    }

    #[tokio::test]
    async fn the_offer_sends_two_and_receives_seven() {
        let peer = Peer::open(&plan(true, Encoding::of(&Scenario::default().video)), Recorder::start()).await.unwrap();
        let sections = offer(&peer).await;
        assert_eq!((count(&sections, "audio", "sendonly"), count(&sections, "audio", "recvonly")), (1, 3), "{sections:?}");
        assert_eq!((count(&sections, "video", "sendonly"), count(&sections, "video", "recvonly")), (1, 4), "{sections:?}");
        let sdp = sections.concat();
        assert!(sdp.contains(&format!("a=ssrc:{}", peer.audio_ssrc().unwrap())), "{sdp}");
        assert!(sdp.contains(&format!("a=ssrc-group:FID {}", peer.video_ssrcs()[0])), "{sdp}");
        assert!(sdp.contains("a=rtcp-fb:96 nack pli") && !sdp.contains("a=simulcast"), "{sdp}");
        peer.close().await;
    }

    #[tokio::test]
    async fn a_camera_with_layers_offers_them_with_their_ssrcs() {
        let video = Video { simulcast: true, ..Scenario::default().video };
        let peer = Peer::open(&plan(true, Encoding::of(&video)), Recorder::start()).await.unwrap();
        let sdp = offer(&peer).await.concat();
        assert!(sdp.contains("a=simulcast:send q;h;f"), "{sdp}");
        assert_eq!(peer.video_ssrcs().len(), 3);
        assert!(peer.video_ssrcs().iter().all(|ssrc| sdp.contains(&format!("a=ssrc-group:FID {ssrc}"))), "{sdp}");
        peer.close().await;
    }

    #[tokio::test]
    async fn a_peer_without_camera_and_microphone_still_receives() {
        let peer = Peer::open(&plan(false, vec![]), Recorder::start()).await.unwrap();
        let sections = offer(&peer).await;
        assert_eq!((count(&sections, "audio", "recvonly"), count(&sections, "video", "recvonly")), (3, 4));
        assert_eq!((sections.len(), peer.audio_ssrc(), peer.video_ssrcs()), (7, None, &[][..]));
        peer.close().await;
    }

    #[tokio::test]
    async fn an_answer_that_is_no_sdp_is_an_error() {
        let peer = Peer::open(&plan(true, vec![]), Recorder::start()).await.unwrap();
        peer.offer().await.unwrap();
        for answer in ["", "v=0", "not sdp at all"] {
            assert!(matches!(peer.connect(answer.to_owned()).await, Err(RtcError::Stack(_))), "{answer:?}");
        }
        peer.close().await;
    }
}
