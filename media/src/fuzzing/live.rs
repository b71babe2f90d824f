//! A transport in a call, and somebody at its client's address who sends what they like.
//!
//! Promise checked: whatever came, the transport lives, sends to nobody but its client, and takes the client's next packet.

use super::{HERE, Numbers, transport};
use crate::Mid;
use crate::config::Limits;
use crate::negotiation::Offer;
use crate::payload;
use crate::socket::Datagram;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc, RtcConfig};

const THERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 6000);
/// Inputs that one call has to stand before another is set up: a set-up costs as much as a hundred of them.
const INPUTS_PER_CALL: u32 = 200;

struct Live {
    server: Rtc,
    client: Rtc,
    now: Instant,
    audio: Mid,
    video: Mid,
    sequence: u64,
    /// Audio packets that came out at the server.
    heard: u64,
    inputs: u32,
}

impl Live {
    /// ICE and DTLS are up.
    fn connect() -> Self {
        let now = Instant::now();
        let mut client = RtcConfig::new().set_rtp_mode(true).build(now);
        client.add_local_candidate(Candidate::host(THERE, "udp").expect("a candidate"));
        let mut api = client.sdp_api();
        let audio = api.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let video = api.add_media(MediaKind::Video, Direction::SendRecv, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        let parsed = Offer::parse(&offer.to_sdp_string(), &Limits::default()).expect("a sound offer");
        let (server, answered) = parsed.answer_new(transport(), now).expect("answered");
        client.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answered.answer).expect("SDP")).expect("accepted");
        let mut live = Self { server, client, now, audio, video, sequence: 0, heard: 0, inputs: 0 };
        for _ in 0..500 {
            live.pass(Duration::from_millis(10));
            if live.client.is_connected() && live.server.is_connected() {
                return live;
            }
        }
        panic!("no connection");
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        for rtc in [&mut self.client, &mut self.server] {
            let _ = rtc.handle_input(Input::Timeout(self.now));
        }
        self.exchange();
    }

    /// Both ends take what the other has sent, until neither has anything to say. Each is drained after each datagram, as str0m wants it.
    fn exchange(&mut self) {
        let mut to_client = sent(&mut self.server);
        loop {
            let mut to_server = sent(&mut self.client);
            for datagram in to_client.drain(..) {
                give(&mut self.client, HERE, THERE, &datagram, self.now);
                to_server.extend(sent(&mut self.client));
            }
            if to_server.is_empty() {
                return;
            }
            for datagram in to_server {
                to_client.extend(self.receive(&datagram));
            }
        }
    }

    /// The server takes a datagram on the path that a worker has for it, and says what it has to say.
    fn receive(&mut self, contents: &[u8]) -> Vec<Vec<u8>> {
        if !(Datagram { source: THERE, destination: HERE, protocol: Protocol::Udp, contents }).is_rtp() {
            give(&mut self.server, THERE, HERE, contents, self.now);
            return sent(&mut self.server);
        }
        if let Some(packet) = self.server.receive_rtp(self.now, contents).packet {
            self.heard += u64::from(Some(packet.header.payload_type) == self.payload_type(self.audio));
            for codec in [Codec::Vp8, Codec::H264] {
                payload::frame(codec, &packet.payload, payload::vp8(codec, &packet.payload).as_ref());
            }
        }
        vec![]
    }

    fn payload_type(&self, mid: Mid) -> Option<Pt> {
        self.client.media(mid)?.remote_pts().first().copied()
    }

    fn write(&mut self, mid: Mid, sequence: u64, payload: &[u8], marker: bool) {
        let Some(pt) = self.payload_type(mid) else { return };
        let mut direct = self.client.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else { return };
        let write = RtpWrite::new(pt, sequence.into(), sequence as u32 * 960, self.now, payload.to_vec());
        stream.write_rtp(write.marker(marker).nackable(true));
    }

    /// The client's next packet arrives.
    fn assert_hears(&mut self) {
        let heard = self.heard;
        self.sequence += 1;
        self.write(self.audio, self.sequence, b"genuine", true);
        self.pass(Duration::from_millis(20));
        assert!(self.server.is_alive(), "the call ended");
        assert_eq!(self.heard, heard + 1, "the client is heard after {} inputs", self.inputs);
    }
}

/// What an end sends, all of it to the other.
fn sent(rtc: &mut Rtc) -> Vec<Vec<u8>> {
    let mut sent = vec![];
    loop {
        match rtc.poll_output() {
            Ok(Output::Transmit(transmit)) => {
                assert!([HERE, THERE].contains(&transmit.destination), "sent to {}", transmit.destination);
                sent.push(transmit.contents.to_vec());
            }
            Ok(Output::Event(_)) => {}
            Ok(Output::Timeout(_)) | Err(_) => return sent,
        }
    }
}

fn give(rtc: &mut Rtc, source: SocketAddr, destination: SocketAddr, contents: &[u8], now: Instant) {
    let Ok(received) = Receive::new(Protocol::Udp, source, destination, contents) else { return };
    let input = Input::Receive(now, received);
    if rtc.accepts(&input) {
        let _ = rtc.handle_input(input);
    }
}

thread_local! {
    static CALL: RefCell<Option<Live>> = const { RefCell::new(None) };
}

/// A series of datagrams from the client's address, authentic packets with any payload between them, and pauses.
pub fn live(data: &[u8]) {
    CALL.with_borrow_mut(|call| {
        let live = call.get_or_insert_with(Live::connect);
        let mut numbers = Numbers(data);
        while !numbers.0.is_empty() {
            let (kind, length) = (numbers.byte(), numbers.number::<2>() as usize % 1500);
            let bytes = numbers.take(length).to_vec();
            match kind % 4 {
                0 | 1 => {
                    for datagram in live.receive(&bytes) {
                        give(&mut live.client, HERE, THERE, &datagram, live.now);
                    }
                }
                2 => live.write(live.video, live.sequence + u64::from(kind), &bytes, kind & 4 == 0),
                _ => live.pass(Duration::from_millis((length % 100) as u64)),
            }
            live.exchange();
        }
        live.assert_hears();
        live.inputs += 1;
        if live.inputs == INPUTS_PER_CALL {
            *call = None;
        }
    });
}
