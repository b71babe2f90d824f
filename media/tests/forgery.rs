//! Packets that somebody else made don't change a call.

mod support;

use media::{Event, Kind};
use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use str0m::format::Codec;
use str0m::rtp::Extension;
use support::*;

/// An RTP packet of `client`'s source with the true payload type and MID, but another SSRC and no valid authentication tag.
fn forged(client: &Client, kind: Kind, ssrc: u32, sequence: u16) -> Vec<u8> {
    let mid = client.source(kind);
    let media = client.rtc.media(mid).expect("negotiated");
    let extension = media.remote_extmap().id_of(Extension::RtpMid).expect("MID is negotiated");
    let mut packet = vec![0x90, *media.remote_pts()[0]];
    packet.extend(sequence.to_be_bytes());
    packet.extend(7_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    let mid = mid.to_string();
    let mut element = vec![(extension << 4) | (mid.len() as u8 - 1)];
    element.extend(mid.as_bytes());
    element.resize(element.len().next_multiple_of(4), 0);
    packet.extend([0xbe, 0xde]);
    packet.extend((element.len() as u16 / 4).to_be_bytes());
    packet.extend(element);
    packet.extend([0x5a; 120]);
    packet
}

/// Whether a sent RTP packet still carries its MID. A sender stops that once a receiver report told that its SSRC is known; from
/// then on a stream that lost its SSRC is lost for good.
fn carries_mid(client: &Client, kind: Kind, packet: &[u8]) -> bool {
    let media = client.rtc.media(client.source(kind)).expect("negotiated");
    let wanted = media.remote_extmap().id_of(Extension::RtpMid).expect("MID is negotiated");
    if packet[0] & 0x10 == 0 {
        return false;
    }
    let length = 4 * usize::from(u16::from_be_bytes([packet[14], packet[15]]));
    let mut elements = &packet[16..16 + length];
    while let [head, rest @ ..] = elements {
        if head >> 4 == wanted {
            return true;
        }
        elements = if *head == 0 { rest } else { &rest[usize::from(head & 15) + 1..] };
    }
    false
}

/// Talks until the first client's packets carry no MID any more.
fn talk_until_known(clients: &mut [Client]) {
    clients[0].keep_sent = true;
    let known = |client: &Client| {
        [Kind::Audio, Kind::Video].iter().all(|&kind| {
            let pt = *client.rtc.media(client.source(kind)).expect("negotiated").remote_pts()[0];
            let last = client.sent.iter().rfind(|sent| is_rtp(sent) && sent[1] & 0x7f == pt);
            last.is_some_and(|packet| !carries_mid(client, kind, packet))
        })
    };
    assert!(talk_until(clients, |clients| known(&clients[0])), "receiver reports arrive");
    clients[0].keep_sent = false;
}

#[test]
fn forged_rtp_with_a_new_ssrc_does_not_stop_the_stream() {
    let sfu = Sfu::start();
    let shape = Shape { video: vec![(Codec::Vp8, 96)], without_repair: true, ..Shape::both(1) };
    let (call, mut clients) = pair_of(&sfu, &shape);
    talk_until_known(&mut clients);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_nonblocking(true).expect("set");
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        for ssrc in [0xdead_0000 + n as u32, 0xbeef_0000 + n as u32, 0] {
            for sequence in [0, 1, 30_000] {
                let packet = forged(&clients[0], kind, ssrc, sequence);
                clients[0].socket.send_to(&packet, sfu.address()).expect("sent");
                stranger.send_to(&packet, sfu.address()).expect("sent");
            }
        }
    }
    let got = clients[1].got.len();
    talk_all(&mut clients, 30);
    assert!(clients[1].got[got..].iter().all(|got| got.packet.payload[0] != 0x5a), "no forged payload was forwarded");
    for (mid, _) in &clients[1].slots {
        let sequences: Vec<_> = clients[1].got_on(*mid).map(|packet| *packet.seq_no).collect();
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "not a packet was lost");
    }
    assert_eq!(stranger.recv(&mut [0; 2000]).expect_err("no reply").kind(), std::io::ErrorKind::WouldBlock);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })));
}

#[test]
fn forged_simulcast_layers_do_not_stop_the_stream() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let sends =
        Shape { sends: vec![Kind::Video], simulcast: true, video: vec![(Codec::Vp8, 96)], without_repair: true, ..Shape::default() };
    let receives = Shape { receives: vec![Kind::Video], ..Shape::default() };
    let mut clients = vec![Client::new(sends), Client::new(receives)];
    call.join_all(&mut clients);
    let slot = clients[1].slot(Kind::Video, 0);
    call.bind(2, slot, Some(track(1, 0)));
    let layered = |clients: &mut [Client], done: &dyn Fn(&Client, usize) -> bool| {
        let (start, mut turn) = (Instant::now(), 0);
        assert!(step_until(clients, |clients| {
            if start.elapsed() >= Duration::from_millis(20) * turn {
                turn += 1;
                clients[0].send_layer(Some("h"), turn % 10 == 1);
                clients[0].send_layer(Some("l"), turn % 10 == 1);
            }
            done(&clients[0], clients[1].got_on(slot).count())
        }));
    };
    clients[0].keep_sent = true;
    let known = |client: &Client| {
        let last = client.sent.iter().rev().filter(|sent| is_rtp(sent)).take(4).collect::<Vec<_>>();
        last.len() == 4 && last.iter().all(|packet| !carries_mid(client, Kind::Video, packet))
    };
    layered(&mut clients, &|client, count| count >= 20 && known(client));
    let media = clients[0].rtc.media(clients[0].source(Kind::Video)).expect("negotiated");
    let rid = media.remote_extmap().id_of(Extension::RtpStreamId).expect("RID is negotiated");
    for (ssrc, name) in [(0xdead_0001, b'h'), (0xdead_0002, b'l')] {
        let mut packet = forged(&clients[0], Kind::Video, ssrc, 5);
        // One element more: the RID.
        packet.splice(16..16, [(rid << 4), name, 0, 0]);
        packet[15] += 1;
        clients[0].socket.send_to(&packet, sfu.address()).expect("sent");
    }
    let count = clients[1].got_on(slot).count();
    layered(&mut clients, &|_, now| now >= count + 40);
    assert_continuous(clients[1].got_on(slot));
}

/// Sends all of `datagrams` five times, and lets what follows from it happen.
fn replay(sfu: &Sfu, clients: &mut [Client], from: usize, datagrams: &[Vec<u8>]) {
    for _ in 0..5 {
        for chunk in datagrams.chunks(50) {
            let before = sfu.handle.stats().packets_in;
            for datagram in chunk {
                clients[from].socket.send_to(datagram, sfu.address()).expect("sent");
            }
            assert!(step_until(clients, |_| sfu.handle.stats().packets_in >= before + chunk.len() as u64));
        }
    }
    step_for(clients, Duration::from_millis(200), |_, _| {});
}

#[test]
fn replayed_media_and_repairs_are_forwarded_once() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    clients[0].keep_sent = true;
    let mut turn = 0;
    clients[0].lose = Box::new(move |datagram| {
        turn += usize::from(is_rtp(datagram));
        is_rtp(datagram) && turn % 5 == 0
    });
    talk_all(&mut clients, 100);
    clients[0].lose = Box::new(|_| false);
    talk_all(&mut clients, 10);
    step_for(&mut clients, Duration::from_millis(200), |_, _| {});
    let sent: Vec<_> = clients[0].sent.iter().filter(|datagram| is_rtp(datagram)).cloned().collect();
    let types: HashSet<_> = sent.iter().map(|datagram| datagram[1] & 0x7f).collect();
    assert_eq!(types.len(), 3, "audio, video and repairs: {types:?}");
    // Those that were lost come for the first time now, and are no replays.
    for datagram in &sent {
        clients[0].socket.send_to(datagram, sfu.address()).expect("sent");
    }
    step_for(&mut clients, Duration::from_millis(200), |_, _| {});
    let (before, got) = (sfu.handle.stats(), clients[1].got.len());
    replay(&sfu, &mut clients, 0, &sent);
    let after = sfu.handle.stats();
    assert!(after.packets_in >= before.packets_in + 5 * sent.len() as u64);
    assert_eq!((after.rtp_in, after.rtp_forwarded), (before.rtp_in, before.rtp_forwarded));
    assert_eq!(clients[1].got.len(), got);
    talk_all(&mut clients, 10);
}

#[test]
fn replayed_reports_are_not_acted_on_again() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    clients[1].keep_sent = true;
    let mut turn = 0;
    clients[1].lose_in = Box::new(move |datagram| {
        turn += usize::from(is_rtp(datagram));
        is_rtp(datagram) && turn % 4 == 0
    });
    talk_all(&mut clients, 60);
    let slot = clients[1].slot(Kind::Video, 0);
    clients[1].want_key_frame(slot);
    clients[1].lose_in = Box::new(|_| false);
    step_for(&mut clients, Duration::from_millis(300), |_, _| {});
    let reports: Vec<_> = clients[1].sent.iter().filter(|datagram| is_rtcp(datagram)).cloned().collect();
    assert!(reports.len() >= 5, "{} reports", reports.len());
    let before = sfu.handle.stats();
    replay(&sfu, &mut clients, 1, &reports);
    let after = sfu.handle.stats();
    assert_eq!(after.pli_in, before.pli_in);
    let out = after.bytes_out - before.bytes_out;
    assert!(out < 3000, "{out} bytes, in answer to {} replayed reports", 5 * reports.len());
}
