//! Bytes that mean harm, or nothing, into a running call.

mod support;

use media::{Event, Kind};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;
use support::flood::{Flood, head, malformed, received, strangers};
use support::*;

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
        let packet = malformed(n, &valid, &mut noise);
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

/// Packets of `clients`' audio sent and lost on their way to each other while `turns` turns of 20 ms pass, four packets a turn. Audio isn't
/// repeated, so what is lost shows.
fn audio_loss(clients: &mut [Client], turns: u64) -> (usize, usize) {
    let count = |client: &Client| client.got_on(client.slot(Kind::Audio, 0)).count();
    let before: usize = clients.iter().map(count).sum();
    let mut sent = 0;
    step_for(clients, Duration::from_millis(20 * turns), |clients, _| {
        for client in clients {
            (0..4).for_each(|_| client.send_audio(-30));
            sent += 4;
        }
    });
    step_until(clients, |clients| clients.iter().map(count).sum::<usize>() >= before + sent);
    (sent, before + sent - clients.iter().map(count).sum::<usize>())
}

#[test]
fn a_flood_of_bad_packets_from_the_peers_address_and_others_costs_a_live_call_half_a_percent_at_most() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    clients[0].keep_sent = true;
    talk_all(&mut clients, 10);
    clients[0].keep_sent = false;
    let valid = std::mem::take(&mut clients[0].sent);
    let foreign = strangers(3);
    let mut sockets: Vec<_> = foreign.iter().map(|socket| socket.try_clone().expect("cloned")).collect();
    sockets.push(clients[0].socket.try_clone().expect("cloned"));
    let before = sfu.handle.stats();
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    // A tenth of what `make bench-hostile` does with an optimised build on a quiet machine.
    let flood = Flood::start(sfu.address(), sockets, 1000, move |n| malformed(n, &valid, &mut noise));
    let (sent, lost) = audio_loss(&mut clients, 150);
    assert!(flood.stop() > 1000);
    assert!(lost * 200 <= sent, "{lost} of {sent} lost");
    let after = sfu.handle.stats();
    assert_eq!((after.panics, after.peers), (0, 2));
    assert!(after.dropped_unvalidated + after.dropped_stun > before.dropped_unvalidated + before.dropped_stun + 500);
    assert_eq!(received(&foreign), 0, "no byte to a stranger");
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
}
