//! DTLS that means harm: who may not send is not answered, and who isn't the one in the offer is not let in.

mod support;

use media::{Event, Kind, LossReason, PeerId};
use std::time::Duration;
use support::flood::{received, strangers};
use support::*;

fn is_dtls(datagram: &[u8]) -> bool {
    (20..64).contains(&datagram[0])
}

/// A peer on its way in, and the ClientHello that it sent first.
fn caller(call: &Call, client: &mut Client) -> Vec<u8> {
    client.keep_sent = true;
    call.join(1, client);
    let greeted = |client: &Client| client.sent.iter().any(|sent| is_dtls(sent));
    assert!(step_until(std::slice::from_mut(client), |clients| greeted(&clients[0])));
    client.sent.iter().find(|sent| is_dtls(sent)).expect("sent").clone()
}

#[test]
fn a_flood_of_hellos_from_elsewhere_is_not_answered_and_delays_nobody() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let mut client = Client::new(Shape::both(1));
    // Its own handshake stays open: it doesn't see the answers yet.
    client.lose_in = Box::new(is_dtls);
    let hello = caller(&call, &mut client);
    let foreign = strangers(4);
    let before = sfu.handle.stats();
    for _ in 0..250 {
        for stranger in &foreign {
            stranger.send_to(&hello, sfu.address()).expect("sent");
        }
    }
    let clients = std::slice::from_mut(&mut client);
    assert!(step_until(clients, |_| sfu.handle.stats().dropped_unvalidated >= before.dropped_unvalidated + 1000));
    let (start, mut second) = (sfu.handle.stats(), Client::new(Shape::both(1)));
    let elsewhere = second.socket.try_clone().expect("cloned");
    elsewhere.send_to(&hello, sfu.address()).expect("sent");
    assert!(step_until(clients, |_| sfu.handle.stats().dropped_unvalidated > start.dropped_unvalidated), "off the tuple");
    assert_eq!(received(&foreign) + received(&[elsewhere]), 0);
    client.lose_in = Box::new(|_| false);
    call.join(2, &mut second);
    let mut clients = [client, second];
    assert!(step_until(&mut clients, |clients| clients.iter().all(|client| client.connected)));
    assert_eq!(sfu.handle.stats().panics, 0);
}

#[test]
fn hellos_repeated_from_a_proven_address_neither_end_a_call_nor_are_amplified() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let mut clients = vec![Client::new(Shape::both(1)), Client::new(Shape::both(1))];
    let hello = caller(&call, &mut clients[0]);
    call.join(2, &mut clients[1]);
    assert!(step_until(&mut clients, |clients| clients.iter().all(|client| client.connected)));
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    talk_all(&mut clients, 10);
    step_for(&mut clients, Duration::from_millis(100), |_, _| {});
    let before = sfu.handle.stats();
    for _ in 0..300 {
        clients[0].socket.send_to(&hello, sfu.address()).expect("sent");
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().packets_in >= before.packets_in + 300));
    let after = sfu.handle.stats();
    assert!(after.bytes_out - before.bytes_out <= after.bytes_in - before.bytes_in, "{before:?} {after:?}");
    talk_all(&mut clients, 20);
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
}

#[test]
fn another_certificate_than_the_offers_is_not_let_in() {
    let sfu = Sfu::with(|config| config.limits.connect = Duration::from_secs(2));
    let call = sfu.call();
    let (mut impostor, mut listener) = (Client::new(Shape::both(1)), Client::new(Shape::both(1)));
    let offer = impostor.offer();
    let at = offer.find("a=fingerprint:sha-256 ").expect("in the offer") + "a=fingerprint:sha-256 ".len();
    let other = if &offer[at..at + 2] == "00" { "01" } else { "00" };
    let tampered = format!("{}{other}{}", &offer[..at], &offer[at + 2..]);
    call.join_with(1, &mut impostor, &tampered.replace(&offer[at..at + 95], &tampered[at..at + 95]));
    call.join(2, &mut listener);
    let mut clients = [impostor, listener];
    assert!(step_until(&mut clients, |clients| clients[1].connected));
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    let lost = |event: &Event| matches!(event, Event::Lost { peer: PeerId(1), reason: LossReason::NeverConnected | LossReason::Closed });
    let gone = step_until(&mut clients, |clients| {
        if clients[0].connected {
            clients[0].talk();
        }
        call.events().iter().any(lost)
    });
    assert!(gone, "{:?}", call.events());
    assert!(!call.events().contains(&Event::Connected { peer: PeerId(1) }));
    assert_eq!((clients[1].got.len(), sfu.handle.stats().rtp_in), (0, 0));
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
