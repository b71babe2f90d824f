//! The least SFU that one would write on the `webrtc` crate: each packet of a peer goes to all others of its room, under the SSRC of their slot.
//!
//! It offers, with two m-lines to receive and as many to send as there are others. Header extensions are cleared between peers, since their
//! ids are each peer's own; the crate's interceptors add what was negotiated. Nothing is rewritten but the SSRC.

use crate::webrtc_crate::{Said, Told};
use anyhow::Context as _;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability,
    RTCRtpRtxParameters, RtpCodecKind,
};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Notify;
use webrtc::media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCSessionDescription, SettingEngineBuilder,
    register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

/// A track towards a peer, and its SSRC.
type Slot = (Arc<TrackLocalStaticRTP>, u32);
/// Where the packets of one peer go, by kind: audio, video.
type Routes = [Arc<RwLock<Vec<Slot>>>; 2];

struct Peer {
    connection: Arc<dyn PeerConnection>,
    routes: Routes,
    /// Not yet used, by kind.
    slots: [Vec<Slot>; 2],
}

struct Handler {
    gathered: Arc<Notify>,
    routes: Routes,
}

/// Serves until standard input ends.
pub async fn serve(ip: IpAddr) -> anyhow::Result<()> {
    let mut rooms: HashMap<String, HashMap<String, Peer>> = HashMap::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut out = tokio::io::stdout();
    while let Some(line) = lines.next_line().await? {
        let said = hear(ip, &mut rooms, serde_json::from_str(&line)?).await.unwrap_or_else(|error| Said::Failed(format!("{error:#}")));
        out.write_all((serde_json::to_string(&said)? + "\n").as_bytes()).await?;
        out.flush().await?;
    }
    Ok(())
}

async fn hear(ip: IpAddr, rooms: &mut HashMap<String, HashMap<String, Peer>>, told: Told) -> anyhow::Result<Said> {
    match told {
        Told::Join { room, peer, people, video } => {
            let (mut joining, offer) = Peer::offer(ip, people - 1, video).await?;
            let others = rooms.entry(room).or_default();
            for other in others.values_mut() {
                for kind in 0..2 {
                    let connect = |from: &Routes, to: &mut [Vec<Slot>; 2]| {
                        from[kind].write().unwrap_or_else(PoisonError::into_inner).extend(to[kind].pop());
                    };
                    connect(&joining.routes, &mut other.slots);
                    connect(&other.routes, &mut joining.slots);
                }
            }
            others.insert(peer, joining);
            Ok(Said::Offer(offer))
        }
        Told::Answer { room, peer, sdp } => {
            let peer = rooms.get(&room).and_then(|room| room.get(&peer)).context("no such peer")?;
            peer.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
            Ok(Said::Done)
        }
        Told::Close { room } => {
            for peer in rooms.remove(&room).unwrap_or_default().into_values() {
                peer.connection.close().await?;
            }
            Ok(Said::Done)
        }
    }
}

impl Peer {
    async fn offer(ip: IpAddr, slots: usize, video: bool) -> anyhow::Result<(Self, String)> {
        let mut engine = media_engine()?;
        let registry = register_default_interceptors(Registry::new(), &mut engine)?;
        let settings = SettingEngineBuilder::new()
            .with_lite(true)
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_srtp_protection_profiles(vec![rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm])
            .with_include_loopback_candidate(ip.is_loopback())
            .build();
        let (gathered, routes) = (Arc::new(Notify::new()), Routes::default());
        let handler = Handler { gathered: gathered.clone(), routes: routes.clone() };
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![SocketAddr::new(ip, 0)])
            .build()
            .await?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let kinds = if video { &[RtpCodecKind::Audio, RtpCodecKind::Video][..] } else { &[RtpCodecKind::Audio] };
        let mut open = [vec![], vec![]];
        for (kind, open) in kinds.iter().zip(&mut open) {
            let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..Default::default() };
            connection.add_transceiver_from_kind(*kind, Some(init)).await?;
            for n in 0..slots {
                open.push(add_slot(&*connection, *kind, n).await?);
            }
        }
        let offer = connection.create_offer(None).await?;
        connection.set_local_description(offer).await?;
        gathered.notified().await;
        let offer = connection.local_description().await.context("set above")?.sdp;
        Ok((Self { connection, routes, slots: open }, offer))
    }
}

async fn add_slot(connection: &dyn PeerConnection, kind: RtpCodecKind, n: usize) -> anyhow::Result<Slot> {
    let ssrc: u32 = rand::random();
    let (codec, rtx) = match kind {
        RtpCodecKind::Video => (vp8(), Some(RTCRtpRtxParameters { ssrc: rand::random() })),
        _ => (opus(), None),
    };
    let coding = RTCRtpCodingParameters { ssrc: Some(ssrc), rtx, ..Default::default() };
    let encoding = RTCRtpEncodingParameters { rtp_coding_parameters: coding, active: true, codec, ..Default::default() };
    let name = format!("{kind}-{n}");
    let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![encoding])));
    let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Sendonly, ..Default::default() };
    connection.add_transceiver_from_track(track.clone(), Some(init)).await?;
    Ok((track, ssrc))
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let [audio, video] = &self.routes;
        let route = if track.kind().await == RtpCodecKind::Video { video } else { audio };
        tokio::spawn(forward(track, route.clone()));
    }
}

async fn forward(track: Arc<dyn TrackRemote>, route: Arc<RwLock<Vec<Slot>>>) {
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(mut packet) = event else { continue };
        packet.header.extension = false;
        packet.header.extensions.clear();
        let slots = route.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (slot, ssrc) in slots {
            let mut packet = packet.clone();
            packet.header.ssrc = ssrc;
            // One that isn't connected yet, or left, misses it.
            let _ = slot.write_rtp(packet).await;
        }
    }
}

fn media_engine() -> anyhow::Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    let codec = |rtp_codec, payload_type| RTCRtpCodecParameters { rtp_codec, payload_type };
    engine.register_codec(codec(opus(), crate::sdp::OPUS), RtpCodecKind::Audio)?;
    engine.register_codec(codec(vp8(), crate::sdp::VP8), RtpCodecKind::Video)?;
    let sdp_fmtp_line = format!("apt={}", crate::sdp::VP8);
    let rtx = RTCRtpCodec { mime_type: MIME_TYPE_RTX.to_owned(), clock_rate: 90_000, sdp_fmtp_line, ..Default::default() };
    engine.register_codec(codec(rtx, crate::sdp::VP8 + 1), RtpCodecKind::Video)?;
    let level = RTCRtpHeaderExtensionCapability { uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level".to_owned() };
    engine.register_header_extension(level, RtpCodecKind::Audio, None)?;
    Ok(engine)
}

fn opus() -> RTCRtpCodec {
    let sdp_fmtp_line = "minptime=10;useinbandfec=1".to_owned();
    RTCRtpCodec { mime_type: MIME_TYPE_OPUS.to_owned(), clock_rate: 48_000, channels: 2, sdp_fmtp_line, rtcp_feedback: vec![] }
}

fn vp8() -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
    RTCRtpCodec {
        mime_type: MIME_TYPE_VP8.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir")],
    }
}
