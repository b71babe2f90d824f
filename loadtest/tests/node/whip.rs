//! WHIP and WHEP by the `webrtc` crate: an encoder publishes with one HTTP request, a player plays with another, and neither knows socket.io.

use loadtest::network::Network;
use loadtest::recorder::Recorder;
use loadtest::rest::Backend;
use loadtest::rtc::{Peer, Plan, Slots};
use loadtest::scenario::{RoomKind, Scenario};
use loadtest::source::{AudioSource, Encoding, FrameKind, Origin, Shape, Turns, VideoSource};
use loadtest::target::Dialer;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zzan::config::{DEV_KEY_ID, DEV_SECRET};

/// Far more than a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(30);
const ENCODER: Origin = Origin { user: 1, take: 0 };
/// Of each kind.
const ENOUGH: u64 = 50;

struct Response {
    status: u16,
    location: Option<String>,
    body: String,
}

/// One request on a connection of its own.
async fn request(dialer: &Dialer, method: &str, path: &str, token: Option<&str>, body: &str) -> Response {
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let mut stream = dialer.dial().await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/sdp\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        dialer.target().authority(),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| name.eq_ignore_ascii_case("location"));
    Response { status, location: location.map(|(_, value)| value.to_owned()), body: body.to_owned() }
}

/// Offers to that path; the peer, once its media is up, and the path of what was made.
async fn connect(dialer: &Dialer, path: &str, token: &str, plan: &Plan) -> (Peer, String) {
    let peer = Peer::open(plan, Recorder::start()).await.unwrap();
    let answer = request(dialer, "POST", path, Some(token), &peer.offer().await.unwrap()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    peer.connect(answer.body).await.unwrap();
    (peer, answer.location.expect("where it can be ended"))
}

pub async fn assert_one_http_request_publishes_and_another_plays(dialer: &Dialer) {
    let backend = Backend::new(dialer.clone(), DEV_KEY_ID, DEV_SECRET);
    let room = backend.create_room("by HTTP alone", RoomKind::Buddy, 2).await.unwrap();
    let Scenario { audio, video, .. } = Scenario::default();
    let layers = Encoding::of(&video);
    let sends = Plan {
        local: IpAddr::V4(Ipv4Addr::LOCALHOST),
        network: Network::direct(),
        microphone: true,
        camera: layers.clone(),
        freeze_us: 400_000,
        slots: Slots { audio: 0, video: 0 },
    };
    let receives = Plan { microphone: false, camera: vec![], slots: Slots { audio: 1, video: 1 }, ..sends.clone() };

    let token = backend.room_token(&room, "encoder", "encoder").await.unwrap();
    let (encoder, published) = connect(dialer, &format!("/v1/whip/{room}"), &token, &sends).await;
    let token = backend.room_token(&room, "player", "player").await.unwrap();
    let (player, played) = connect(dialer, &format!("/v1/whep/{room}?user=encoder"), &token, &receives).await;

    let mut voice = AudioSource::new(
        ENCODER,
        encoder.audio_ssrc().unwrap(),
        Shape { pps: audio.pps, bytes: audio.bytes },
        Turns { seat: 0, people: 1, speaking: 1 },
    );
    let mut camera = VideoSource::new(ENCODER, encoder.video_ssrcs()[0], 0, layers[0], video.fps);
    let clock = Recorder::start();
    let start = Instant::now();
    let mut turn = tokio::time::interval(Duration::from_millis(20));
    loop {
        turn.tick().await;
        let (packet, level) = voice.next(clock.now_us());
        encoder.send_audio(packet, level).await.unwrap();
        let kind = if encoder.take_key_frame_requests(0) > 0 { FrameKind::Key } else { FrameKind::Delta };
        for packet in camera.next(clock.now_us(), kind) {
            encoder.send_video(packet, "").await.unwrap();
        }
        let slots = player.slots();
        let arrived = || slots.values().filter_map(|slot| slot.from.get(&ENCODER));
        if arrived().count() == 2 && arrived().all(|from| from.received >= ENOUGH) {
            assert!(arrived().any(|from| from.starts_with_key_frame), "a picture from its key frame on");
            break;
        }
        let counts: Vec<u64> = arrived().map(|from| from.received).collect();
        assert!(start.elapsed() < PATIENCE, "{counts:?} packets arrived");
    }

    for ended in [&played, &published] {
        assert_eq!(request(dialer, "DELETE", ended, None, "").await.status, 200);
        assert_eq!(request(dialer, "DELETE", ended, None, "").await.status, 404, "it is gone");
    }
    player.close().await;
    encoder.close().await;
    backend.end_room(&room).await.unwrap();
}
