//! Bytes that mean harm, or nothing, into a running call.

mod support;

use media::Event;
use std::io::ErrorKind;
use std::net::UdpSocket;
use support::*;

/// Plausible beginnings of each protocol on the port (RFC 7983), to get deeper into the parsers than noise does.
fn head(kind: usize, random: &[u8]) -> Vec<u8> {
    match kind % 7 {
        0 => vec![0x00, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42],
        1 => vec![0x01, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42],
        2 => vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, random[0], 0, 40],
        3 => vec![21, 0xfe, 0xfd, 0, random[0] % 3, 0, 0, 0, 0, 0, 1, 0, 2, 2, random[1]],
        4 => vec![0x90, 96 + random[0] % 32, random[1], random[2], 0, 0, 0, 1, random[3], 0, 0, 9, 0xbe, 0xde, 0, random[4] % 4],
        5 => vec![0x81, 200 + random[0] % 8, 0, random[1] % 9, 0, 0, 0, 1],
        _ => random.to_vec(),
    }
}

#[test]
fn ten_thousand_malformed_packets_from_the_peers_own_address_change_nothing() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let valid: Vec<Vec<u8>> = {
        clients[0].keep_sent = true;
        talk_all(&mut clients, 10);
        clients[0].keep_sent = false;
        std::mem::take(&mut clients[0].sent)
    };
    for n in 0..10_000_usize {
        let random = noise.bytes(16);
        let mut packet = if n % 3 == 0 {
            // A true packet with a few bytes changed, or cut.
            let mut packet = valid[n % valid.len()].clone();
            let length = packet.len();
            packet[usize::from(random[0]) % length] ^= random[1] | 1;
            packet.truncate(if random[2] < 64 { usize::from(random[3]) % length } else { length });
            packet
        } else {
            head(n, &random)
        };
        if n % 3 != 0 {
            packet.extend(noise.bytes(usize::from(random[5])));
        }
        clients[0].socket.send_to(&packet, sfu.address()).expect("sent");
        if n % 200 == 0 {
            clients.iter_mut().for_each(Client::talk);
            clients.iter_mut().for_each(Client::step);
        }
    }
    talk_all(&mut clients, 50);
    let stats = sfu.handle.stats();
    assert_eq!(stats.panics, 0);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
    for (mid, _) in &clients[1].slots {
        assert_continuous(clients[1].got_on(*mid));
    }
}

#[test]
fn a_stranger_gets_no_reply_and_no_state_whatever_it_sends() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    clients[0].keep_sent = true;
    talk_all(&mut clients, 20);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_nonblocking(true).expect("set");
    let before = sfu.handle.stats();
    let mut count = 0;
    let mut send = |packet: &[u8]| {
        stranger.send_to(packet, sfu.address()).expect("sent");
        count += 1;
    };
    // True media and DTLS of the peer, from elsewhere; then malformed of every kind. STUN is apart: see below.
    for datagram in clients[0].sent.iter().filter(|datagram| datagram[0] >= 20).take(300) {
        send(datagram);
    }
    let random = [7; 16];
    for n in (0..700).filter(|n| n % 7 > 1) {
        send(&head(n, &random));
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().packets_in >= before.packets_in + count));
    talk_all(&mut clients, 10);
    assert_eq!(stranger.recv(&mut [0; 2000]).expect_err("no reply").kind(), ErrorKind::WouldBlock);
    let after = sfu.handle.stats();
    let dropped = after.dropped_unvalidated + after.dropped_malformed - before.dropped_unvalidated - before.dropped_malformed;
    assert_eq!(dropped, count);
}

#[test]
fn guessed_stun_users_and_passwords_get_no_reply_and_are_soon_not_even_read() {
    let sfu = Sfu::with(|config| config.limits.stun_misses_per_second = 50);
    let (_call, mut clients) = pair(&sfu);
    let ufrag = clients[0].answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("in the answer");
    let true_user = ufrag.to_owned();
    let stranger = UdpSocket::bind("127.0.0.2:0").expect("bound");
    stranger.set_nonblocking(true).expect("set");
    let wrong = |_: &[u8], _: &[&[u8]]| [0x11_u8; 20];
    let before = sfu.handle.stats();
    let mut buffer = [0; 500];
    for n in 0..1000 {
        let user = if n % 2 == 0 { format!("{true_user}:{n}") } else { format!("guess{n}:{true_user}") };
        let id = str0m::ice::TransId::new();
        let request = str0m::ice::StunMessage::binding_request(&user, id, true, 1, 1, true);
        let length = request.to_bytes(Some(b"guess"), &mut buffer, wrong).expect("fits");
        stranger.send_to(&buffer[..length], sfu.address()).expect("sent");
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().packets_in >= before.packets_in + 1000));
    talk_all(&mut clients, 10);
    assert_eq!(stranger.recv(&mut buffer).expect_err("no reply").kind(), ErrorKind::WouldBlock);
    let after = sfu.handle.stats();
    assert!(after.dropped_stun_rate > 500, "{after:?}");
    assert!(after.dropped_stun >= 50);
}

#[test]
fn spoofed_dtls_alerts_end_neither_a_handshake_nor_a_call() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let mut clients = vec![Client::new(Shape::both(1)), Client::new(Shape::both(1))];
    let alerts = |client: &Client| {
        for (level, description) in [(1, 0), (2, 0), (2, 40), (2, 80), (1, 90)] {
            for sequence in 0..4 {
                let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence, 0, 2, level, description];
                client.socket.send_to(&alert, sfu.address()).expect("sent");
            }
        }
    };
    call.join(1, &mut clients[0]);
    call.join(2, &mut clients[1]);
    assert!(step_until(&mut clients, |clients| {
        clients.iter().for_each(alerts);
        clients.iter().all(|client| client.connected)
    }));
    for (n, kind) in [media::Kind::Audio, media::Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    clients.iter().for_each(alerts);
    talk_all(&mut clients, 20);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
}
