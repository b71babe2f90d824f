//! A headless peer on the `webrtc` crate, so that the SFU's other end is an independent stack.
//!
//! One PeerConnection and one offer in its life: microphone and camera to send, 3 audio and 4 video slots to receive. It counts
//! what arrives per slot, and hands key frame requests on; it knows no signaling.

use crate::reception::Slot;
use crate::source::{AudioLevel, OPUS_CLOCK, OPUS_PAYLOAD_TYPE, VP8_CLOCK, VP8_PAYLOAD_TYPE};
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
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use webrtc::media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCPeerConnectionState, RTCSessionDescription,
    Registry, SettingEngineBuilder, register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

/// Receive slots of the one offer, as a browser's page makes them.
pub const AUDIO_SLOTS: usize = 3;
/// See [`AUDIO_SLOTS`]; the fourth is for a shared screen.
pub const VIDEO_SLOTS: usize = 4;
/// From the answer to the first media that could flow.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between connectivity checks, as browsers pace them (RFC 8445, 14.2). The crate's 200 ms would add itself to every join time.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Checks of a candidate pair before it counts as dead: 5 s.
const CHECKS: u16 = 100;
/// Between requests for a key frame that doesn't come.
const KEY_FRAME_RETRY: Duration = Duration::from_millis(200);

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

/// The zero of all times in this process.
#[derive(Debug, Clone, Copy)]
pub struct Epoch(Instant);

impl Epoch {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since the epoch.
    pub fn now_us(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// What a peer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    Audio,
    AudioAndVideo,
}

/// A peer. Dropping it without [`Peer::close`] leaves its socket to the runtime.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    observed: Arc<Observed>,
    state: watch::Receiver<RTCPeerConnectionState>,
    audio: Outgoing,
    video: Option<Outgoing>,
    audio_level_id: OnceLock<u8>,
    key_frames: KeyFrameRequests,
}

struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
}

/// What the driver's callbacks and the reading tasks write, and the owner reads.
struct Observed {
    epoch: Epoch,
    state: watch::Sender<RTCPeerConnectionState>,
    mids: OnceLock<HashMap<RTCRtpTransceiverId, String>>,
    slots: Mutex<BTreeMap<String, Slot>>,
}

impl Peer {
    /// Makes a peer whose media leaves from `local`.
    ///
    /// # Errors
    /// [`RtcError::Stack`], such as when no socket can be bound.
    pub async fn open(local: IpAddr, publishing: Publishing, epoch: Epoch) -> Result<Self, RtcError> {
        let mut engine = media_engine()?;
        let video_ssrc = rand::random();
        let (tap, key_frames) = KeyFrameTap::new(video_ssrc);
        let registry = register_default_interceptors(Registry::new(), &mut engine)?.with(KeyFrameTap::SLOT, tap);
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let observed = Arc::new(Observed { epoch, state: state_tx, mids: OnceLock::new(), slots: Mutex::default() });
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler(observed.clone())))
            .with_udp_addrs(vec![SocketAddr::new(local, 0)])
            .build()
            .await?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let audio = Outgoing::add(&*connection, "microphone", RtpCodecKind::Audio, opus(), rand::random(), None).await?;
        let video = match publishing {
            Publishing::Audio => None,
            Publishing::AudioAndVideo => {
                Some(Outgoing::add(&*connection, "camera", RtpCodecKind::Video, vp8(), video_ssrc, Some(rand::random())).await?)
            }
        };
        for (kind, slots) in [(RtpCodecKind::Audio, AUDIO_SLOTS), (RtpCodecKind::Video, VIDEO_SLOTS)] {
            for _ in 0..slots {
                let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..Default::default() };
                connection.add_transceiver_from_kind(kind, Some(init)).await?;
            }
        }
        Ok(Self { connection, observed, state, audio, video, audio_level_id: OnceLock::new(), key_frames })
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
        if let Some(id) = extension_id(&answer, AUDIO_LEVEL_URI) {
            let _ = self.audio_level_id.set(id);
        }
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

    /// The SSRC that [`Peer::send_audio`] expects.
    pub fn audio_ssrc(&self) -> u32 {
        self.audio.ssrc
    }

    /// The SSRC that [`Peer::send_video`] expects; `None` when this peer publishes none.
    pub fn video_ssrc(&self) -> Option<u32> {
        self.video.as_ref().map(|video| video.ssrc)
    }

    /// Sends a packet of the microphone, with its level where the server takes the extension.
    ///
    /// # Errors
    /// [`RtcError::Stack`] after the peer was closed.
    pub async fn send_audio(&self, mut packet: rtc::rtp::Packet, level: AudioLevel) -> Result<(), RtcError> {
        if let Some(&id) = self.audio_level_id.get() {
            packet.header.set_extension(id, vec![level.to_byte()].into())?;
        }
        Ok(self.audio.track.write_rtp(packet).await?)
    }

    /// Sends a packet of the camera. Nothing when this peer publishes none.
    ///
    /// # Errors
    /// [`RtcError::Stack`] after the peer was closed.
    pub async fn send_video(&self, packet: rtc::rtp::Packet) -> Result<(), RtcError> {
        match &self.video {
            Some(video) => Ok(video.track.write_rtp(packet).await?),
            None => Ok(()),
        }
    }

    /// Requests for a key frame of the camera since the last call.
    pub fn take_key_frame_requests(&self) -> u64 {
        self.key_frames.take()
    }

    /// What arrived until now, by the slot's mid. Slots on which nothing came yet are not in it.
    pub fn slots(&self) -> BTreeMap<String, Slot> {
        self.observed.slots.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        codec: RTCRtpCodec,
        ssrc: u32,
        rtx: Option<u32>,
    ) -> Result<Self, RtcError> {
        let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), rtx: rtx.map(|ssrc| RTCRtpRtxParameters { ssrc }), ..Default::default() };
        let encoding = RTCRtpEncodingParameters { rtp_coding_parameters: coding, active: true, codec, ..Default::default() };
        let track = MediaStreamTrack::new(name.to_owned(), name.to_owned(), name.to_owned(), kind, vec![encoding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Sendonly, ..Default::default() };
        connection.add_transceiver_from_track(track.clone(), Some(init)).await?;
        Ok(Self { track, ssrc })
    }
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
                let lacks_key_frame = observed.record(mid, kind, &packet.payload);
                if lacks_key_frame && asked.is_none_or(|asked| asked.elapsed() >= KEY_FRAME_RETRY) {
                    asked = Some(Instant::now());
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
    /// Counts a packet; true when its slot still lacks a key frame.
    fn record(&self, mid: &str, kind: RtpCodecKind, payload: &Bytes) -> bool {
        let now_us = self.epoch.now_us();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(mid) {
            slots.insert(mid.to_owned(), Slot::new(kind));
        }
        slots.get_mut(mid).is_some_and(|slot| {
            slot.record(payload, now_us);
            slot.lacks_key_frame()
        })
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

    #[test]
    fn the_extension_id_is_read_from_the_answer() {
        let sdp = "v=0\r\na=extmap:3 urn:other\r\na=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
        assert_eq!(extension_id(sdp, AUDIO_LEVEL_URI), Some(1));
        assert_eq!(extension_id("a=extmap:x urn:ietf:params:rtp-hdrext:ssrc-audio-level", AUDIO_LEVEL_URI), None);
        assert_eq!(extension_id("a=extmap:", AUDIO_LEVEL_URI), None);
    }

    #[tokio::test]
    async fn the_offer_sends_two_and_receives_seven() {
        let peer = Peer::open(IpAddr::from([127, 0, 0, 1]), Publishing::AudioAndVideo, Epoch::start()).await.unwrap();
        let sdp = peer.offer().await.unwrap();
        let sections: Vec<&str> = sdp.split("\r\nm=").skip(1).collect();
        let count = |kind: &str, direction: &str| {
            let attribute = format!("a={direction}");
            sections.iter().filter(|section| section.starts_with(kind) && section.lines().any(|line| line == attribute)).count()
        };
        assert_eq!((count("audio", "sendonly"), count("audio", "recvonly")), (1, AUDIO_SLOTS), "{sdp}");
        assert_eq!((count("video", "sendonly"), count("video", "recvonly")), (1, VIDEO_SLOTS), "{sdp}");
        assert!(sdp.contains(&format!("a=ssrc:{}", peer.audio_ssrc())), "{sdp}");
        assert!(sdp.contains(&format!("a=ssrc-group:FID {}", peer.video_ssrc().unwrap())), "{sdp}");
        assert!(sdp.contains("a=rtcp-fb:96 nack pli"), "{sdp}");
        peer.close().await;
    }

    #[tokio::test]
    async fn a_peer_without_a_camera_still_receives_video() {
        let peer = Peer::open(IpAddr::from([127, 0, 0, 1]), Publishing::Audio, Epoch::start()).await.unwrap();
        let sdp = peer.offer().await.unwrap();
        assert_eq!(sdp.matches("\r\nm=video").count(), VIDEO_SLOTS);
        assert_eq!(peer.video_ssrc(), None);
        peer.close().await;
    }

    #[tokio::test]
    async fn an_answer_that_is_no_sdp_is_an_error() {
        let peer = Peer::open(IpAddr::from([127, 0, 0, 1]), Publishing::Audio, Epoch::start()).await.unwrap();
        peer.offer().await.unwrap();
        for answer in ["", "v=0", "not sdp at all"] {
            assert!(matches!(peer.connect(answer.to_owned()).await, Err(RtcError::Stack(_))), "{answer:?}");
        }
        peer.close().await;
    }
}
