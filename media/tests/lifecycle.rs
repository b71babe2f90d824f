//! How peers, rooms and workers end.

mod support;

use media::{Command, Event, EventSink, Kind, LossReason, PeerId, QueueFull};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::*;

fn lost(peer: u64, reason: LossReason) -> impl Fn(&Event) -> bool {
    move |event| *event == Event::Lost { peer: PeerId(peer), reason }
}

#[test]
fn a_removed_peer_is_told_and_gets_not_one_byte_after_that() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    call.command(Command::RemovePeer { peer: PeerId(2) });
    assert!(step_until(&mut clients, |clients| clients[1].closed), "DTLS close_notify arrives");
    let bytes = clients[1].bytes_in;
    let mark = sfu.handle.stats().rtp_in;
    assert!(talk_until(&mut clients, |clients| {
        // Whatever it still sends, no answer comes.
        let datagram = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9];
        clients[1].socket.send_to(&datagram, sfu.address()).expect("sent");
        sfu.handle.stats().rtp_in > mark + 50
    }));
    clients[1].step();
    assert_eq!(clients[1].bytes_in, bytes);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "its removal was asked for");
    assert_eq!(sfu.handle.stats().peers, 1);
}

#[test]
fn a_peer_that_falls_silent_is_lost_though_garbage_comes_from_its_address() {
    let silence = Duration::from_millis(500);
    let sfu = Sfu::with(|config| config.limits.silence = silence);
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let silent = clients.pop().expect("two");
    let since = Instant::now();
    let mut garbage = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9];
    assert!(talk_until(&mut clients, |_| {
        garbage[0] = if garbage[0] == 0x80 { 20 } else { 0x80 };
        silent.socket.send_to(&garbage, sfu.address()).expect("sent");
        call.events().iter().any(lost(2, LossReason::Silent))
    }));
    assert!(since.elapsed() > silence - Duration::from_millis(100), "{:?}", since.elapsed());
    assert!(!call.events().iter().any(lost(1, LossReason::Silent)), "who talks stays");
}

#[test]
fn a_peer_that_never_connects_is_lost() {
    let sfu = Sfu::with(|config| config.limits.connect = Duration::from_millis(300));
    let call = sfu.call();
    call.join(1, &mut Client::new(Shape::both(1)));
    assert!(wait_event(&call, &mut [], lost(1, LossReason::NeverConnected)));
    assert_eq!(sfu.handle.stats().peers, 0);
}

#[test]
fn a_peer_that_closes_is_lost_at_once_and_its_tracks_fall_silent() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    clients[0].close();
    let mut rest = clients.split_off(1);
    assert!(wait_event(&call, &mut rest, lost(1, LossReason::Closed)));
    assert_eq!(call.events().iter().filter(|event| matches!(event, Event::Lost { .. })).count(), 1);
}

#[test]
fn a_room_closes_when_its_last_handle_is_dropped() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let (_other, mut others) = pair(&sfu);
    let clone = call.room.clone();
    drop(call);
    talk_all(&mut clients, 5);
    drop(clone);
    assert!(step_until(&mut clients, |clients| clients.iter().all(|client| client.closed)));
    assert!(step_until(&mut [], |_| sfu.handle.stats().rooms == 1));
    assert_eq!(sfu.handle.stats().peers, 2);
    talk_all(&mut others, 5);
}

#[test]
fn stopping_the_workers_tells_all_peers() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    sfu.workers.stop();
    assert!(step_until(&mut clients, |clients| clients.iter().all(|client| client.closed)));
    assert_eq!(call.room.command(Command::RemovePeer { peer: PeerId(1) }), Err(QueueFull));
}

#[test]
fn the_same_peer_id_again_replaces_the_first() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let mut again = Client::new(Shape::both(1));
    call.join(2, &mut again);
    assert!(step_until(&mut clients, |clients| clients[1].closed));
    clients[1] = again;
    assert!(step_until(&mut clients, |clients| clients[1].connected));
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    talk_all(&mut clients, 10);
}

#[test]
fn commands_for_what_does_not_exist_do_nothing() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let slot = clients[0].slot(Kind::Audio, 0);
    call.command(Command::RemovePeer { peer: PeerId(9) });
    call.command(Command::Unpublish { track: track(9, 9) });
    call.command(Command::SetMuted { track: track(9, 9), muted: true });
    call.command(Command::Publish { peer: PeerId(9), mid: slot, track: track(9, 9), kind: Kind::Audio });
    call.command(Command::Publish { peer: PeerId(1), mid: "nope".into(), track: track(9, 9), kind: Kind::Audio });
    call.bind(9, slot, Some(track(1, 0)));
    call.bind(1, "nope".into(), Some(track(2, 0)));
    call.bind(1, slot, Some(track(9, 9)));
    call.bind(1, slot, Some(track(2, 1)));
    let (reply, answer) = std::sync::mpsc::channel();
    let reply = Box::new(move |result| reply.send(result).expect("awaited"));
    let offer = Client::new(Shape::both(1)).offer();
    call.command(Command::Renegotiate { peer: PeerId(9), offer, reply });
    assert_eq!(answer.recv_timeout(LIMIT).expect("answered"), Err(media::OfferError::Gone));
    talk_all(&mut clients, 10);
}

/// An owner with a bug.
struct Panics;

impl EventSink for Panics {
    fn event(&self, event: Event) {
        if let Event::Connected { .. } = event {
            panic!("an event sink with a bug");
        }
    }
}

#[test]
fn a_panic_ends_one_room_and_is_counted() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    let broken = sfu.handle.open_room(Arc::new(Panics));
    let mut client = Client::new(Shape::both(1));
    let negotiated = broken.negotiate(&client.offer()).expect("answered");
    client.accept(&negotiated.answer);
    broken.command(Command::AddPeer { peer: PeerId(1), negotiated: Box::new(negotiated), tag: vec![], data: false }).expect("queued");
    assert!(step_until(std::slice::from_mut(&mut client), |_| sfu.handle.stats().panics == 1));
    talk_all(&mut clients, 20);
    assert_eq!(sfu.handle.stats().peers, 2);
}

#[test]
fn a_busy_port_stops_the_start_and_is_named() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    let port = taken.local_addr().expect("address").port();
    let config = media::Config { port, ..media::Config::default() };
    let error = media::start(&config).err().expect("refused").to_string();
    assert!(error.contains(&port.to_string()), "{error}");
}

#[test]
fn rooms_spread_over_workers_and_each_is_reached_at_its_own_port() {
    let sfu = Sfu::with(|config| config.workers = std::num::NonZeroUsize::new(3).expect("not zero"));
    let mut calls: Vec<_> = (0..3).map(|_| pair(&sfu)).collect();
    for (_, clients) in &mut calls {
        talk_all(clients, 5);
    }
    let mut ports: Vec<_> = calls.iter().filter_map(|(_, clients)| clients[0].remote).collect();
    ports.sort();
    ports.dedup();
    assert_eq!(ports.len(), 3);
}
