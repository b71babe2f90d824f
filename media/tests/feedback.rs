//! What a client is told about its media, and what is repeated to it: the reports that browsers rely on.

mod support;

use media::Kind;
use std::time::{Duration, Instant};
use str0m::rtp::rtcp::Rtcp;
use support::*;

/// Two clients, of which reports are kept.
fn watched_pair(sfu: &Sfu) -> (Call, Vec<Client>) {
    pair_of(sfu, &Shape { reports: true, ..Shape::both(1) })
}

fn video_of(client: &Client) -> impl Iterator<Item = &str0m::rtp::RtpPacket> {
    client.got_on(client.slot(Kind::Video, 0))
}

#[test]
fn every_packet_that_a_subscriber_lost_is_repeated_to_it() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let mut count = 0;
    clients[1].lose_in = Box::new(move |datagram| {
        count += usize::from(is_rtp(datagram));
        is_rtp(datagram) && count % 4 == 0
    });
    talk_all(&mut clients, 80);
    clients[1].lose_in = Box::new(|_| false);
    let whole = |client: &Client| {
        let mut sequences: Vec<_> = video_of(client).map(|packet| *packet.seq_no).collect();
        sequences.sort_unstable();
        sequences.windows(2).all(|pair| pair[1] == pair[0] + 1)
    };
    // Further packets, or the loss of the last ones would not be seen.
    talk_all(&mut clients, 10);
    assert!(talk_until(&mut clients, |clients| whole(&clients[1])));
    let mut pictures: Vec<_> = video_of(&clients[1]).map(|packet| (*packet.seq_no, packet.header.timestamp)).collect();
    pictures.sort_unstable();
    let steps: Vec<_> = pictures.windows(2).map(|pair| pair[1].1.wrapping_sub(pair[0].1)).collect();
    assert!(steps.iter().all(|step| *step == 3000), "a repeat has the time of what it repeats: {steps:?}");
}

#[test]
fn a_publisher_is_asked_at_once_for_what_it_lost() {
    let sfu = Sfu::start();
    let (_call, mut clients) = watched_pair(&sfu);
    talk_all(&mut clients, 10);
    let (start, before) = (Instant::now(), clients[0].reports.len());
    let mut left = 1;
    clients[0].lose = Box::new(move |datagram| {
        let lost = is_rtp(datagram) && datagram.len() > 300 && left > 0;
        left -= i32::from(lost);
        lost
    });
    let asked = |client: &Client| client.reports[before..].iter().find(|(_, report)| matches!(report, Rtcp::Nack(_))).map(|(at, _)| *at);
    assert!(talk_until(&mut clients, |clients| asked(&clients[0]).is_some()));
    let took = asked(&clients[0]).expect("just seen") - start;
    assert!(took < Duration::from_millis(500), "asked after {took:?}");
}

#[test]
fn transport_feedback_reaches_a_publisher_steadily_under_load() {
    let sfu = Sfu::start();
    let (_call, mut clients) = watched_pair(&sfu);
    talk_all(&mut clients, 10);
    clients[0].reports.clear();
    let start = Instant::now();
    step_for(&mut clients, Duration::from_secs(2), |clients, _| {
        clients[0].send_frame(false, 4, 1100);
        clients[0].send_audio(-30);
    });
    let times: Vec<_> =
        clients[0].reports.iter().filter(|(_, report)| matches!(report, Rtcp::Twcc(_))).map(|(at, _)| *at - start).collect();
    // Every 50 ms when nothing else wants the machine.
    assert!(times.len() >= 15, "{times:?}");
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().expect("several");
    assert!(longest < Duration::from_millis(500), "{longest:?} without feedback in {times:?}");
}

#[test]
fn sender_reports_count_the_packets_that_were_forwarded() {
    let sfu = Sfu::start();
    let (_call, mut clients) = watched_pair(&sfu);
    talk_all(&mut clients, 60);
    // Then silence: the next reports count all.
    clients[1].reports.clear();
    let ssrcs: Vec<_> = clients[1].slots.iter().map(|(mid, _)| clients[1].got_on(*mid).next().expect("a packet").header.ssrc).collect();
    let reported = |client: &Client| -> Vec<_> {
        let info = client.reports.iter().rev().filter_map(|(_, report)| match report {
            Rtcp::SenderReport(report) => Some(report.sender_info),
            _ => None,
        });
        let info: Vec<_> = info.collect();
        ssrcs.iter().filter_map(|ssrc| info.iter().find(|info| info.ssrc == *ssrc).copied()).collect()
    };
    let counts = |client: &Client| client.slots.iter().map(|(mid, _)| client.got_on(*mid).count()).collect::<Vec<_>>();
    assert!(step_until(&mut clients, |clients| {
        let counted: Vec<_> = reported(&clients[1]).iter().map(|info| info.sender_packet_count as usize).collect();
        counted == counts(&clients[1])
    }));
    for (info, (mid, kind)) in reported(&clients[1]).iter().zip(&clients[1].slots) {
        let octets: usize = clients[1].got_on(*mid).map(|packet| packet.payload.len()).sum();
        assert_eq!(info.sender_octet_count as usize, octets);
        let last = clients[1].got.iter().rfind(|got| got.mid == *mid).expect("a packet");
        let clock = if *kind == Kind::Audio { 48_000 } else { 90_000 };
        let ahead = (info.rtp_time.numer() as u32).wrapping_sub(last.packet.header.timestamp);
        assert!(ahead < clock * LIMIT.as_secs() as u32, "the report's time goes on from the last packet: {ahead} ticks");
    }
}

#[test]
fn a_key_frame_that_came_while_a_subscriber_connected_is_not_asked_for_again() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let sends = Shape { sends: vec![Kind::Video], ..Shape::default() };
    let receives = Shape { receives: vec![Kind::Video], ..Shape::default() };
    let mut clients = vec![Client::new(sends), Client::new(receives)];
    call.join(1, &mut clients[0]);
    assert!(step_until(&mut clients[..1], |clients| clients[0].connected));
    call.join(2, &mut clients[1]);
    let slot = clients[1].slot(Kind::Video, 0);
    call.bind(2, slot, Some(track(1, 0)));
    // The subscriber sends nothing yet: it can't be connected.
    for key in [true, false, false, false] {
        clients[0].send_video(key);
    }
    assert!(step_until(&mut clients[..1], |_| sfu.handle.stats().rtp_forwarded >= 4));
    assert!(step_until(&mut clients, |clients| clients[1].got_on(slot).count() == 4));
    assert_continuous(clients[1].got_on(slot));
    let first = clients[1].got_on(slot).next().expect("a packet");
    assert_eq!(first.payload[6], 0, "the key frame");
}

#[test]
fn a_subscriber_that_is_long_in_connecting_starts_with_a_fresh_key_frame() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let sends = Shape { sends: vec![Kind::Video], ..Shape::default() };
    let receives = Shape { receives: vec![Kind::Video], ..Shape::default() };
    let mut clients = vec![Client::new(sends), Client::new(receives)];
    call.join(1, &mut clients[0]);
    assert!(step_until(&mut clients[..1], |clients| clients[0].connected));
    call.join(2, &mut clients[1]);
    let slot = clients[1].slot(Kind::Video, 0);
    call.bind(2, slot, Some(track(1, 0)));
    clients[0].send_video(true);
    assert!(talk_until(&mut clients[..1], |clients| {
        clients[0].send_frame(false, 10, 100);
        sfu.handle.stats().dropped_switching > 50
    }));
    let asked = clients[0].key_frames_wanted.len();
    assert!(talk_until(&mut clients, |clients| clients[1].got_on(slot).count() >= 20));
    assert_continuous(clients[1].got_on(slot));
    let first = clients[1].got_on(slot).next().expect("a packet");
    assert_eq!(first.payload[6], 0, "a key frame");
    assert!(clients[0].key_frames_wanted.len() > asked, "one that was asked for when it was connected");
}
