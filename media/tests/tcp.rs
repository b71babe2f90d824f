//! Calls over TCP, and what strangers may do to its port.

mod support;

use media::{Command, Event, Kind, LossReason, PeerId};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use support::*;

fn sfu_with_tcp() -> Sfu {
    Sfu::with(|config| config.tcp_port = Some(0))
}

/// One client over TCP and one over UDP, each receiving the other.
fn mixed_pair(sfu: &Sfu) -> (Call, Vec<Client>) {
    let call = sfu.call();
    let mut clients = vec![Client::over_tcp(Shape::both(1), sfu), Client::new(Shape::both(1))];
    call.join_all(&mut clients);
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    (call, clients)
}

fn frame(packet: &[u8]) -> Vec<u8> {
    [&(packet.len() as u16).to_be_bytes()[..], packet].concat()
}

/// Whether the SFU closed the connection, after which it may have said something.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("set");
    loop {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// A check for `user`, signed with something.
fn check(user: &str) -> Vec<u8> {
    let mut buffer = [0; 500];
    let request = str0m::ice::StunMessage::binding_request(user, str0m::ice::TransId::new(), true, 1, 1, true);
    let length = request.to_bytes(Some(b"guess"), &mut buffer, |_, _| [0x11; 20]).expect("fits");
    buffer[..length].to_vec()
}

fn ufrag(client: &Client) -> String {
    client.answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("in the answer").to_owned()
}

#[test]
fn a_call_over_tcp_carries_media_both_ways() {
    let sfu = sfu_with_tcp();
    let (call, mut clients) = mixed_pair(&sfu);
    let is_passive = |line: &str| line.starts_with("a=candidate:") && line.contains(" tcp ") && line.contains("tcptype passive");
    assert!(clients[0].answer.lines().any(is_passive), "{}", clients[0].answer);
    talk_all(&mut clients, 100);
    for client in &clients {
        client.slots.iter().for_each(|(mid, _)| assert_continuous(client.got_on(*mid)));
    }
    assert_eq!(clients[0].remote, Some(sfu.tcp_address()));
    assert_eq!(sfu.handle.stats().tcp_connections, 1);
    call.command(Command::RemovePeer { peer: PeerId(1) });
    assert!(step_until(&mut clients, |clients| clients[0].closed), "DTLS close_notify arrives");
    assert!(step_until(&mut clients, |clients| clients[0].stream.as_ref().is_some_and(|stream| stream.closed)), "and then the end");
    assert_eq!(sfu.handle.stats().tcp_connections, 0);
}

#[test]
fn packets_that_come_in_pieces_or_many_at_once_are_put_together() {
    let sfu = sfu_with_tcp();
    for pieces in [1, 3, 700] {
        let call = sfu.call();
        let mut clients = vec![Client::over_tcp(Shape::both(1), &sfu), Client::new(Shape::both(1))];
        clients[0].stream.as_mut().expect("over TCP").pieces = pieces;
        call.join_all(&mut clients);
        call.bind(2, clients[1].slot(Kind::Video, 0), Some(track(1, 1)));
        let slot = clients[1].slot(Kind::Video, 0);
        assert!(talk_until(&mut clients, |clients| clients[1].got_on(slot).count() >= 30), "in pieces of {pieces}");
        assert_continuous(clients[1].got_on(slot));
    }
}

#[test]
fn every_worker_is_reached_through_the_one_port() {
    let sfu = Sfu::with(|config| {
        config.tcp_port = Some(0);
        config.workers = std::num::NonZeroUsize::new(3).expect("not zero");
    });
    let mut calls: Vec<_> = (0..3).map(|_| mixed_pair(&sfu)).collect();
    for (_, clients) in &mut calls {
        talk_all(clients, 5);
    }
    let mut udp: Vec<_> = calls.iter().filter_map(|(_, clients)| clients[1].remote).collect();
    udp.sort();
    udp.dedup();
    assert_eq!(udp.len(), 3, "each call is on a worker of its own");
    assert!(calls.iter().all(|(_, clients)| clients[0].remote == Some(sfu.tcp_address())));
}

#[test]
fn an_ice_restart_moves_a_call_from_one_connection_to_another() {
    let sfu = sfu_with_tcp();
    let (call, mut clients) = mixed_pair(&sfu);
    talk_all(&mut clients, 10);
    // As behind a NAT: the client believes to be where it was.
    let mut earlier = clients[0].stream.replace(Stream::connect(sfu.tcp_address())).expect("over TCP").socket;
    let offer = clients[0].offer_ice_restart();
    let (reply, answer) = std::sync::mpsc::channel();
    let reply = Box::new(move |result| reply.send(result).expect("awaited"));
    call.command(Command::Renegotiate { peer: PeerId(1), offer, reply });
    let renegotiated = answer.recv_timeout(LIMIT).expect("answered").expect("accepted");
    clients[0].accept(&renegotiated.answer);
    talk_all(&mut clients, 20);
    assert!(step_until(&mut clients, |_| is_closed(&mut earlier)), "the earlier connection is closed");
    talk_all(&mut clients, 10);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })));
}

#[test]
fn a_client_that_reads_nothing_loses_media_and_then_its_connection_but_no_one_else_does() {
    let sfu = sfu_with_tcp();
    let (call, mut clients) = mixed_pair(&sfu);
    talk_all(&mut clients, 10);
    // Held open, never read.
    let unread = clients[0].stream.take();
    let mut rest = clients.split_off(1);
    let start = Instant::now();
    let lost = Event::Lost { peer: PeerId(1), reason: LossReason::Silent };
    while !call.events().contains(&lost) {
        assert!(start.elapsed() < LIMIT);
        rest[0].send_frame(false, 40, 1100);
        step_for(&mut rest, Duration::from_millis(20), |_, _| {});
    }
    assert!(sfu.handle.stats().dropped_send > 0, "{:?}", sfu.handle.stats());
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { peer: PeerId(2), .. })));
    assert!(step_until(&mut rest, |_| sfu.handle.stats().tcp_connections == 0));
    drop(unread);
}

#[test]
fn garbage_ends_a_connection_and_nothing_else() {
    let sfu = sfu_with_tcp();
    let (_call, mut clients) = mixed_pair(&sfu);
    talk_all(&mut clients, 5);
    let mut noise = Noise(7);
    let mut strangers: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(sfu.tcp_address()).expect("connected")).collect();
    for (n, stranger) in strangers.iter_mut().enumerate() {
        let bytes = match n % 6 {
            0 => b"GET / HTTP/1.1\r\nhost: zzan\r\n\r\n".to_vec(),
            1 => frame(&[0x16, 0x03, 0x01, 0, 5, 1, 2, 3, 4, 5]),
            2 => vec![0xff; 100],
            3 => frame(&noise.bytes(200)),
            4 => frame(&[0, 1, 0, 4]),
            _ => frame(&[0x80; 1000]),
        };
        // It may be closed before all is written.
        let _ = stranger.write_all(&bytes);
    }
    assert!(talk_until(&mut clients, |_| strangers.iter_mut().all(is_closed)), "all are closed");
    talk_all(&mut clients, 10);
    assert_eq!(sfu.handle.stats().tcp_connections, 1);
    assert_eq!(sfu.handle.stats().panics, 0);
}

#[test]
fn who_knows_a_name_but_no_password_gets_no_reply_and_is_closed() {
    let sfu = sfu_with_tcp();
    let (_call, mut clients) = mixed_pair(&sfu);
    talk_all(&mut clients, 5);
    let mut stranger = TcpStream::connect(sfu.tcp_address()).expect("connected");
    let media = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9];
    let before = sfu.handle.stats();
    for _ in 0..5 {
        stranger.write_all(&frame(&check(&format!("{}:guess", ufrag(&clients[0]))))).expect("sent");
        stranger.write_all(&frame(&media)).expect("sent");
    }
    let dropped = |stats: media::Stats| stats.dropped_stun - before.dropped_stun + stats.dropped_unvalidated - before.dropped_unvalidated;
    assert!(talk_until(&mut clients, |_| dropped(sfu.handle.stats()) == 10), "{:?}", sfu.handle.stats());
    stranger.set_nonblocking(true).expect("set");
    assert_eq!(stranger.read(&mut [0; 100]).expect_err("no reply").kind(), ErrorKind::WouldBlock);
    let since = Instant::now();
    assert!(talk_until(&mut clients, |_| is_closed(&mut stranger)));
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    talk_all(&mut clients, 5);
}

#[test]
fn of_two_hundred_slow_connections_few_are_kept_and_those_not_for_long() {
    let sfu = sfu_with_tcp();
    let (_call, mut clients) = mixed_pair(&sfu);
    talk_all(&mut clients, 5);
    let mut slow: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(sfu.tcp_address()).expect("connected")).collect();
    // The beginning of a check, byte after byte.
    let bytes = frame(&check("nobody:guess"));
    let (start, mut turn) = (Instant::now(), 0);
    let mut open_after = |clients: &mut [Client], time: Duration| {
        let mut open = usize::MAX;
        assert!(talk_until(clients, |_| {
            if start.elapsed() > Duration::from_millis(200) * turn {
                for stream in &mut slow {
                    let _ = stream.write(&bytes[turn as usize % bytes.len()..][..1]);
                }
                turn += 1;
                open = slow.iter_mut().filter_map(|stream| (!is_closed(stream)).then_some(())).count();
            }
            start.elapsed() > time
        }));
        open
    };
    assert!(open_after(&mut clients, Duration::from_secs(2)) <= 32);
    assert_eq!(open_after(&mut clients, Duration::from_secs(8)), 0);
    talk_all(&mut clients, 5);
    let mut late = Client::over_tcp(Shape::both(1), &sfu);
    let call = sfu.call();
    call.join(1, &mut late);
    assert!(step_until(std::slice::from_mut(&mut late), |clients| clients[0].connected), "there is room again");
}

#[test]
fn a_busy_tcp_port_is_named_and_without_one_there_are_no_tcp_candidates() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("address");
    let config = media::Config { tcp_port: Some(address.port()), ..media::Config::default() };
    let error = media::start(&config).err().expect("refused").to_string();
    assert!(error.contains(&SocketAddr::from(([127, 0, 0, 1], address.port())).to_string()), "{error}");
    let sfu = Sfu::start();
    assert_eq!(sfu.handle.tcp_port(), None);
    let (_call, clients) = pair(&sfu);
    assert!(!clients[0].answer.contains(" tcp "));
}
