//! What goes in at one client comes out at the others that it is bound to, and nowhere else.

mod support;

use media::{Command, Event, Kind, PeerId};
use std::time::{Duration, Instant};
use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;
use support::*;

/// Picture ids rise by one per frame, modulo 15 bits.
fn assert_pictures_continuous(client: &Client, n: usize) {
    let packets = client.got_on(client.slot(Kind::Video, n));
    let pictures: Vec<_> =
        packets.map(|packet| Vp8Descriptor::parse(&packet.payload).expect("VP8").picture_id().expect("a picture id")).collect();
    for pair in pictures.windows(2) {
        assert_eq!(pair[1], (pair[0] + 1) & 0x7fff);
    }
}

#[test]
fn two_peers_hear_and_see_each_other() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 50);
    for client in &clients {
        for kind in [Kind::Audio, Kind::Video] {
            assert_continuous(client.got_on(client.slot(kind, 0)));
            let first = client.got_on(client.slot(kind, 0)).next().expect("a packet");
            assert!(*first.seq_no < 65_536, "the first roll-over counter is zero");
        }
        let first = client.got_on(client.slot(Kind::Video, 0)).next().expect("a packet");
        assert_eq!(first.payload[6], 0, "video starts with a key frame");
        assert_pictures_continuous(client, 0);
        let audio = client.got_on(client.slot(Kind::Audio, 0)).next().expect("a packet");
        assert_eq!(audio.header.ext_vals.audio_level, Some(-30));
    }
    let connected = [1, 2].map(|peer| Event::Connected { peer: PeerId(peer) });
    assert!(connected.iter().all(|event| call.events().contains(event)));
    assert_eq!(sfu.handle.stats().panics, 0);
}

#[test]
fn three_peers_each_receive_the_two_others() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(Shape::both(2))).collect();
    call.join_all(&mut clients);
    for (to, client) in (1..).zip(&clients) {
        for (n, from) in (1..=3).filter(|from| *from != to).enumerate() {
            call.bind(to, client.slot(Kind::Audio, n), Some(track(from, 0)));
            call.bind(to, client.slot(Kind::Video, n), Some(track(from, 1)));
        }
    }
    talk_all(&mut clients, 30);
    for client in &clients {
        for (mid, _) in &client.slots {
            assert_continuous(client.got_on(*mid));
        }
    }
}

#[test]
fn swapping_sources_between_slots_keeps_every_slot_continuous() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let receives = Shape { receives: vec![Kind::Video, Kind::Video], ..Shape::default() };
    let sends = Shape { sends: vec![Kind::Video], ..Shape::default() };
    let mut clients = vec![Client::new(receives), Client::new(sends.clone()), Client::new(sends)];
    call.join_all(&mut clients);
    for swap in 0..6 {
        for n in 0..2 {
            call.bind(1, clients[0].slot(Kind::Video, n), Some(track(2 + (swap + n as u64) % 2, 0)));
        }
        talk_all(&mut clients[..], 15);
    }
    for n in 0..2 {
        assert_continuous(clients[0].got_on(clients[0].slot(Kind::Video, n)));
        assert_pictures_continuous(&clients[0], n);
        let gaps = clients[0].got_on(clients[0].slot(Kind::Video, n)).map(|packet| *packet.seq_no).collect::<Vec<_>>();
        assert!(gaps.windows(2).all(|pair| pair[1] == pair[0] + 1), "a swap leaves no hole to ask for");
    }
}

#[test]
fn a_muted_track_is_silent_and_comes_back_with_a_key_frame() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    for n in 0..2 {
        call.command(Command::SetMuted { track: track(1, n), muted: true });
    }
    let before = sfu.handle.stats().dropped_muted;
    assert!(talk_until(&mut clients, |_| sfu.handle.stats().dropped_muted > before + 20));
    let muted_at = clients[1].got.len();
    assert!(talk_until(&mut clients, |_| sfu.handle.stats().dropped_muted > before + 60));
    assert_eq!(clients[1].got.len(), muted_at, "nothing arrives while both are muted");
    for n in 0..2 {
        call.command(Command::SetMuted { track: track(1, n), muted: false });
    }
    talk_all(&mut clients, 10);
    let video = clients[1].slot(Kind::Video, 0);
    let first = clients[1].got[muted_at..].iter().find(|got| got.mid == video).expect("a packet");
    assert_eq!(first.packet.payload[6], 0, "a key frame");
    assert_continuous(clients[1].got_on(video));
    assert_pictures_continuous(&clients[1], 0);
}

#[test]
fn an_unbound_slot_is_silent_until_it_is_bound_again() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let (audio, video) = (clients[1].slot(Kind::Audio, 0), clients[1].slot(Kind::Video, 0));
    call.bind(2, audio, None);
    call.bind(2, video, None);
    let mark = sfu.handle.stats().rtp_in;
    assert!(talk_until(&mut clients, |_| sfu.handle.stats().rtp_in > mark + 40));
    let unbound_at = clients[1].got.len();
    assert!(talk_until(&mut clients, |_| sfu.handle.stats().rtp_in > mark + 120));
    assert_eq!(clients[1].got.len(), unbound_at);
    call.bind(2, audio, Some(track(1, 0)));
    call.bind(2, video, Some(track(1, 1)));
    talk_all(&mut clients, 10);
    assert_continuous(clients[1].got_on(video));
    assert_continuous(clients[1].got_on(audio));
}

#[test]
fn a_key_frame_is_asked_for_at_once_and_again_every_500_ms_until_it_comes() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    let start = Instant::now();
    // Delta frames only: the SFU must not be content.
    step_for(&mut clients, Duration::from_millis(1900), |clients, _| clients[0].send_video(false));
    let asked = clients[0].key_frames_wanted.clone();
    assert!((2..=4).contains(&asked.len()), "{} requests in {:?}", asked.len(), start.elapsed());
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] > Duration::from_millis(400)));
    assert_eq!(clients[1].got_on(clients[1].slot(Kind::Video, 0)).count(), 0, "nothing before a key frame");
    clients[0].send_video(true);
    let slot = clients[1].slot(Kind::Video, 0);
    assert!(step_until(&mut clients, |clients| clients[1].got_on(slot).count() > 0));
    let asked = clients[0].key_frames_wanted.len();
    step_for(&mut clients, Duration::from_millis(600), |clients, _| clients[0].send_video(false));
    assert_eq!(clients[0].key_frames_wanted.len(), asked, "satisfied");
}

#[test]
fn requests_of_a_lossy_subscriber_are_throttled() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let (slot, before) = (clients[1].slot(Kind::Video, 0), clients[0].key_frames_wanted.len());
    step_for(&mut clients, Duration::from_millis(2000), |clients, _| {
        clients[0].talk();
        clients[1].want_key_frame(slot);
    });
    let asked = clients[0].key_frames_wanted.len() - before;
    assert!((3..=5).contains(&asked), "{asked} requests in 2 s");
    assert!(sfu.handle.stats().pli_in > 20);
}

/// Loses every `nth` RTP packet, and no other.
fn every(nth: usize) -> Filter {
    let mut count = 0;
    Box::new(move |datagram: &[u8]| {
        count += usize::from(is_rtp(datagram));
        is_rtp(datagram) && count % nth == 0
    })
}

#[test]
fn lost_video_is_repeated_on_both_legs() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    clients[0].lose = every(7);
    clients[1].lose_in = every(5);
    talk_all(&mut clients, 100);
    clients[0].lose = Box::new(|_| false);
    clients[1].lose_in = Box::new(|_| false);
    talk_all(&mut clients, 20);
    let mut sequences: Vec<_> = clients[1].got_on(clients[1].slot(Kind::Video, 0)).map(|packet| *packet.seq_no).collect();
    sequences.sort_unstable();
    let span = (sequences[sequences.len() - 1] - sequences[0] + 1) as usize;
    assert!(sequences.len() * 100 >= span * 98, "{} of {span} arrived in the end", sequences.len());
}

#[test]
fn payload_types_are_mapped_by_codec_and_a_client_without_the_codec_gets_nothing() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let receives = |video: Vec<(Codec, u8)>| Shape { receives: vec![Kind::Video], video, ..Shape::default() };
    let sends = Shape { sends: vec![Kind::Video], video: vec![(Codec::Vp8, 120), (Codec::H264, 126)], ..Shape::default() };
    let both = receives(vec![(Codec::H264, 96), (Codec::Vp8, 98)]);
    let h264 = receives(vec![(Codec::H264, 104)]);
    let mut clients = vec![Client::new(sends), Client::new(both), Client::new(h264)];
    call.join_all(&mut clients);
    call.bind(2, clients[1].slot(Kind::Video, 0), Some(track(1, 0)));
    call.bind(3, clients[2].slot(Kind::Video, 0), Some(track(1, 0)));
    let slots = [clients[1].slot(Kind::Video, 0), clients[2].slot(Kind::Video, 0)];
    assert!(talk_until(&mut clients, |clients| clients[1].got_on(slots[0]).count() >= 10));
    assert!(clients[1].got.iter().all(|got| *got.packet.header.payload_type == 98));
    assert_eq!(clients[2].got.len(), 0);
    assert!(sfu.handle.stats().dropped_codec > 0);
    // The publisher turns to H.264: both can decode that.
    let start = Instant::now();
    let mut turn = 0;
    assert!(step_until(&mut clients, |clients| {
        if start.elapsed() >= Duration::from_millis(20) * turn {
            turn += 1;
            clients[0].send_video_payload(Codec::H264, &[0x67, 0x42, 0xe0, 0x1f, 1, 2, 3]);
        }
        clients[2].got_on(slots[1]).count() >= 10
    }));
    assert!(clients[2].got.iter().all(|got| *got.packet.header.payload_type == 104));
}

#[test]
fn of_a_simulcast_track_one_layer_is_forwarded_and_another_takes_over_when_it_stops() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let sends = Shape { sends: vec![Kind::Video], simulcast: true, ..Shape::default() };
    let receives = Shape { receives: vec![Kind::Video], ..Shape::default() };
    let mut clients = vec![Client::new(sends), Client::new(receives)];
    call.join_all(&mut clients);
    let slot = clients[1].slot(Kind::Video, 0);
    call.bind(2, slot, Some(track(1, 0)));
    step_for(&mut clients, Duration::from_millis(600), |clients, turn| {
        clients[0].send_layer(Some("h"), turn % 10 == 0);
        clients[0].send_layer(Some("l"), turn % 10 == 0);
    });
    let count = clients[1].got_on(slot).count();
    assert!((10..=31).contains(&count), "{count} packets of one layer");
    step_for(&mut clients, Duration::from_millis(1600), |clients, turn| clients[0].send_layer(Some("h"), turn % 10 == 0));
    assert!(clients[1].got_on(slot).count() > count + 10);
    assert_continuous(clients[1].got_on(slot));
    assert_pictures_continuous(&clients[1], 0);
}

#[test]
fn who_speaks_is_told_and_who_stops_or_is_muted_is_taken_off() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let heard = |peers: &'static [u64]| move |event: &Event| matches!(event, Event::Speakers { speakers } if speakers.iter().map(|(peer, _)| peer.0).collect::<Vec<_>>() == peers);
    assert!(talk_until(&mut clients, |clients| {
        clients[0].send_audio(-10);
        call.events().iter().any(heard(&[1, 2]))
    }));
    let told = call.events().len();
    call.command(Command::SetMuted { track: track(1, 0), muted: true });
    assert!(talk_until(&mut clients, |_| call.events()[told..].iter().any(heard(&[2]))));
    let told = call.events().len();
    assert!(step_until(&mut clients, |_| call.events()[told..].iter().any(heard(&[]))));
}

#[test]
fn two_rooms_of_the_same_shape_do_not_leak_into_each_other() {
    let sfu = Sfu::start();
    let (_first, mut here) = pair(&sfu);
    let (second, mut there) = pair(&sfu);
    talk_all(&mut here, 20);
    assert!(there.iter().all(|client| client.got.is_empty()));
    step_for(&mut there, Duration::from_millis(100), |_, _| {});
    assert!(there.iter().all(|client| client.got.is_empty()), "the same ids in another room are not the same tracks");
    second.command(Command::SetMuted { track: track(1, 0), muted: true });
    second.command(Command::RemovePeer { peer: PeerId(2) });
    talk_all(&mut here, 20);
}

#[test]
fn a_further_offer_brings_more_slots_without_a_gap_in_the_old() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let more = Shape { receives: vec![Kind::Video], ..Shape::default() };
    let offer = clients[1].offer_more(&more);
    let (reply, answer) = std::sync::mpsc::channel();
    let reply = Box::new(move |result| reply.send(result).expect("awaited"));
    call.command(Command::Renegotiate { peer: PeerId(2), offer, reply });
    let renegotiated = answer.recv_timeout(LIMIT).expect("answered").expect("accepted");
    clients[1].accept(&renegotiated.answer);
    assert_eq!(renegotiated.slots.len(), clients[1].slots.len() + 1);
    clients[1].take_lines(&renegotiated.slots, &renegotiated.sources);
    call.bind(2, clients[1].slot(Kind::Video, 1), Some(track(1, 1)));
    talk_all(&mut clients, 20);
    for (mid, _) in &clients[1].slots {
        assert_continuous(clients[1].got_on(*mid));
    }
}
