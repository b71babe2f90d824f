//! Application data between the peers of a room.

mod support;

use media::{Event, LossReason, PeerId};
use std::time::Instant;
use support::*;

const RELIABLE: &str = "zzan-reliable";
const LOSSY: &str = "zzan-lossy";

fn shape() -> Shape {
    Shape { channels: vec![RELIABLE, LOSSY], ..Shape::both(1) }
}

/// So many connected clients with open channels.
fn join(sfu: &Sfu, shapes: Vec<Shape>) -> (Call, Vec<Client>) {
    let call = sfu.call();
    let wanted: Vec<_> = shapes.iter().map(|shape| shape.channels.len().min(2)).collect();
    let mut clients: Vec<_> = shapes.into_iter().map(Client::new).collect();
    call.join_all(&mut clients);
    let open = |clients: &mut [Client]| clients.iter().zip(&wanted).all(|(client, wanted)| client.channels.len() >= *wanted);
    assert!(step_until(&mut clients, open), "the channels open");
    (call, clients)
}

/// A DTLS record (RFC 7983): of a connected client, what carries SCTP.
fn is_dtls(datagram: &[u8]) -> bool {
    (20..64).contains(&datagram[0])
}

fn framed(peer: usize, message: &[u8]) -> Vec<u8> {
    let tag = format!("peer {peer}");
    [&[tag.len() as u8], tag.as_bytes(), message].concat()
}

#[test]
fn a_message_reaches_all_others_of_the_room_once_with_its_senders_tag() {
    let sfu = Sfu::start();
    let (_call, mut clients) = join(&sfu, vec![shape(); 3]);
    let (_other, mut strangers) = join(&sfu, vec![shape(); 2]);
    for (label, message) in [(RELIABLE, &b"cheers"[..]), (LOSSY, b"clink"), (RELIABLE, b"!")] {
        assert!(clients[0].send_data(label, message));
    }
    assert!(step_until(&mut clients, |clients| clients[1..].iter().all(|client| client.data.len() == 3)));
    for client in &clients[1..] {
        assert_eq!(client.data_on(RELIABLE), [framed(1, b"cheers"), framed(1, b"!")]);
        assert_eq!(client.data_on(LOSSY), [framed(1, b"clink")]);
    }
    assert!(clients[2].send_data(LOSSY, b"back"));
    assert!(step_until(&mut clients, |clients| clients[..2].iter().all(|client| client.data_on(LOSSY).contains(&&*framed(3, b"back")))));
    strangers.iter_mut().for_each(Client::step);
    assert!(clients[0].data.len() == 1 && strangers.iter().all(|client| client.data.is_empty()));
    let stats = sfu.handle.stats();
    assert_eq!((stats.data_in, stats.data_forwarded, stats.dropped_data), (4, 8, 0));
}

#[test]
fn who_may_not_send_or_sends_too_much_is_not_heard_and_the_limit_holds() {
    let sfu = Sfu::start();
    let (_call, mut clients) = join(&sfu, vec![Shape { without_data: true, ..shape() }, shape(), shape()]);
    assert!(clients[0].send_data(RELIABLE, b"let me"));
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_data == 1));
    let start = Instant::now();
    for n in 0..300u16 {
        assert!(clients[1].send_data(RELIABLE, &n.to_be_bytes()));
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().data_in + sfu.handle.stats().dropped_data == 301));
    let taken = sfu.handle.stats().data_in;
    let at_most = 100 + start.elapsed().as_millis() as u64 / 20 + 1;
    assert!((100..=at_most).contains(&taken), "{taken} of 300, at most {at_most}");
    assert!(step_until(&mut clients, |clients| clients[2].data.len() as u64 == taken));
    assert_eq!(clients[2].data_on(RELIABLE)[..100], (0..100u16).map(|n| framed(2, &n.to_be_bytes())).collect::<Vec<_>>());
}

#[test]
fn over_a_lossy_link_reliable_messages_arrive_in_order_and_complete() {
    let sfu = Sfu::start();
    let (_call, mut clients) = join(&sfu, vec![shape(); 2]);
    for client in &mut clients {
        let (mut noise, mut noise_in) = (Noise(7), Noise(11));
        client.lose = Box::new(move |datagram| is_dtls(datagram) && noise.below(10) == 0);
        client.lose_in = Box::new(move |datagram| is_dtls(datagram) && noise_in.below(10) == 0);
    }
    for n in 0..40u8 {
        assert!(clients[0].send_data(RELIABLE, &[n; 1500]));
    }
    assert!(step_until(&mut clients, |clients| clients[1].data.len() == 40), "{} arrived", clients[1].data.len());
    assert_eq!(clients[1].data_on(RELIABLE), (0..40u8).map(|n| framed(1, &[n; 1500])).collect::<Vec<_>>());
}

#[test]
fn a_subscriber_that_does_not_keep_up_finds_its_reliable_channel_closed_and_can_open_another() {
    let sfu = Sfu::start();
    let (_call, mut clients) = join(&sfu, vec![shape(); 6]);
    clients[0].lose_in = Box::new(is_dtls);
    clients[0].lose = Box::new(is_dtls);
    for client in &mut clients[1..] {
        for _ in 0..8 {
            assert!(client.send_data(RELIABLE, &[1; 16 * 1024]));
        }
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_data > 0), "{:?}", sfu.handle.stats());
    clients[0].lose_in = Box::new(|_| false);
    clients[0].lose = Box::new(|_| false);
    assert!(step_until(&mut clients, |clients| clients[0].channels_closed == 1));
    clients[0].open_channel(RELIABLE);
    assert!(step_until(&mut clients, |clients| clients[0].channels.len() == 2));
    assert!(clients[0].send_data(RELIABLE, b"again"));
    assert!(step_until(&mut clients, |clients| clients[1].data_on(RELIABLE).contains(&&*framed(1, b"again"))));
}

#[test]
fn channels_of_another_name_and_second_ones_are_closed() {
    let sfu = Sfu::start();
    let (call, mut clients) = join(&sfu, vec![Shape { channels: vec![RELIABLE, "mine", LOSSY, RELIABLE], ..shape() }, shape()]);
    assert!(step_until(&mut clients, |clients| clients[0].channels_closed == 2), "{:?}", clients[0].channels);
    assert!(clients[0].send_data(LOSSY, b"still here"));
    assert!(step_until(&mut clients, |clients| clients[1].data_on(LOSSY) == [framed(1, b"still here")]));
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })));
}

#[test]
fn a_peer_that_uses_streams_without_end_is_lost() {
    let sfu = Sfu::start();
    let (call, mut clients) = join(&sfu, vec![shape(); 2]);
    for stream in 100..200 {
        clients[0].open_stream(stream);
    }
    assert!(step_until(&mut clients, |clients| clients[0].channels.len() == 102));
    for stream in 100..200 {
        clients[0].send_data(&format!("stream {stream}"), b"x");
    }
    let lost = Event::Lost { peer: PeerId(1), reason: LossReason::Closed };
    assert!(wait_event(&call, &mut clients, |event| *event == lost), "{} closed", clients[0].channels_closed);
}

#[test]
fn a_message_beyond_the_size_of_the_answer_harms_nobody_else() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let mut clients = vec![Client::new(shape()), Client::new(shape())];
    clients[0].ignore_message_size = true;
    call.join_all(&mut clients);
    assert!(step_until(&mut clients, |clients| clients.iter().all(|client| client.channels.len() == 2)));
    assert!(clients[0].answer.contains("a=max-message-size:16384"), "{}", clients[0].answer);
    assert!(clients[0].send_data(RELIABLE, &vec![1; 100 * 1024]));
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_data == 1 || !call.events().is_empty()));
    assert!(clients[1].send_data(RELIABLE, b"fine"));
    assert!(step_until(&mut clients, |_| sfu.handle.stats().data_in == 1));
    assert!(clients[1].data.is_empty());
}
