//! A client's network changes in the middle of a call: the call goes on, and nobody else notices.

mod support;

use media::{Command, Event, PeerId, Renegotiated};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use support::*;

/// A Binding request (RFC 8489 §5).
fn is_check(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0, 1])
}

fn renegotiate(call: &Call, peer: u64, offer: String) -> Renegotiated {
    let (reply, answer) = std::sync::mpsc::channel();
    let reply = Box::new(move |result| reply.send(result).expect("awaited"));
    call.command(Command::Renegotiate { peer: PeerId(peer), offer, reply });
    answer.recv_timeout(LIMIT).expect("answered").expect("accepted")
}

fn assert_nobody_left(call: &Call) {
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
}

/// The SSRC that arrives on each slot. All packets of a slot must have it.
fn ssrcs(client: &Client) -> Vec<u32> {
    let ssrc = |mid| {
        let mut ssrcs: Vec<u32> = client.got_on(mid).map(|packet| *packet.header.ssrc).collect();
        ssrcs.dedup();
        assert_eq!(ssrcs.len(), 1, "one stream on {mid}");
        ssrcs[0]
    };
    client.slots.iter().map(|(mid, _)| ssrc(*mid)).collect()
}

/// What was lost while there was no path comes again, out of order; nothing else comes twice.
fn assert_each_once(client: &Client) {
    for (mid, _) in &client.slots {
        let mut sequences: Vec<_> = client.got_on(*mid).map(|packet| *packet.seq_no).collect();
        sequences.sort_unstable();
        assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{mid}: {sequences:?}");
    }
}

/// What came to a socket that its client doesn't read any more.
fn received(socket: &UdpSocket) -> usize {
    let mut buffer = [0; 2000];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok()).count()
}

#[test]
fn a_client_behind_a_nat_that_forgot_it_is_followed_with_its_first_check() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 20);
    let before = ssrcs(&clients[0]);
    let earlier = clients[0].move_behind_nat();
    received(&earlier);
    clients[0].keep_sent = true;
    let count = clients[0].got.len();
    assert!(talk_until(&mut clients, |clients| clients[0].sent.iter().any(|sent| is_check(sent))), "consent is checked");
    let checked = Instant::now();
    assert!(talk_until(&mut clients, |clients| clients[0].got.len() > count));
    assert!(checked.elapsed() < Duration::from_secs(1), "{:?} after the check", checked.elapsed());
    received(&earlier);
    talk_all(&mut clients, 20);
    assert_eq!(received(&earlier), 0, "nothing goes to the earlier address");
    assert_eq!(ssrcs(&clients[0]), before);
    clients.iter().for_each(assert_each_once);
    assert_nobody_left(&call);
}

#[test]
fn the_path_that_was_nominated_last_is_the_one_that_is_used() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let mut others = vec![];
    // There and back, as a telephone between two networks: both paths stay alive.
    for _ in 0..3 {
        let earlier = clients[0].move_behind_nat();
        others.push(earlier);
        talk_all(&mut clients, 10);
        for socket in &others {
            received(socket);
        }
        talk_all(&mut clients, 10);
        assert!(others.iter().all(|socket| received(socket) == 0));
    }
    let first = others.remove(0);
    clients[0].socket = first;
    talk_all(&mut clients, 10);
    assert_nobody_left(&call);
}

#[test]
fn an_ice_restart_from_another_address_keeps_streams_slots_and_tracks() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 20);
    let (before, slots) = (ssrcs(&clients[0]), clients[0].slots.clone());
    clients[1].got.clear();
    let (stats, earlier) = (sfu.handle.stats(), clients[0].change_address());
    let offer = clients[0].offer_ice_restart();
    let renegotiated = renegotiate(&call, 1, offer);
    let lines = renegotiated.slots.iter().map(|line| (line.mid, line.kind)).collect::<Vec<_>>();
    assert_eq!(lines, slots);
    clients[0].accept(&renegotiated.answer);
    talk_all(&mut clients, 30);
    assert_eq!(ssrcs(&clients[0]), before);
    clients.iter().for_each(assert_each_once);
    received(&earlier);
    talk_all(&mut clients, 20);
    assert_eq!(received(&earlier), 0, "nothing goes to the earlier address");
    assert_nobody_left(&call);
    assert_eq!(call.events().iter().filter(|event| matches!(event, Event::Connected { .. })).count(), 2, "DTLS was not repeated");
    assert_eq!(sfu.handle.stats().peers, stats.peers);
}

#[test]
fn the_old_path_carries_the_call_until_a_new_one_is_nominated_and_is_forgotten_then() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 20);
    let offer = clients[0].offer_ice_restart();
    let renegotiated = renegotiate(&call, 1, offer);
    // The answer is under way: what is sent and received goes the old way.
    talk_all(&mut clients, 20);
    let earlier = clients[0].change_address();
    clients[0].accept(&renegotiated.answer);
    clients[0].keep_sent = true;
    talk_all(&mut clients, 20);
    let media = clients[0].sent.iter().rfind(|sent| is_rtp(sent)).expect("sent").clone();
    let dropped = sfu.handle.stats().dropped_unvalidated;
    earlier.send_to(&media, sfu.address()).expect("sent");
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_unvalidated == dropped + 1), "the old address is a stranger's");
    talk_all(&mut clients, 10);
    assert_nobody_left(&call);
}

#[test]
fn ten_restarts_on_end_leave_one_way_in() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let mut answers = vec![clients[0].answer.clone()];
    for turn in 0..10 {
        if turn % 2 == 0 {
            clients[0].change_address();
        }
        let offer = clients[0].offer_ice_restart();
        let renegotiated = renegotiate(&call, 1, offer);
        clients[0].accept(&renegotiated.answer);
        answers.push(renegotiated.answer);
        talk_all(&mut clients, 3);
    }
    let ufrag = |answer: &String| answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("in the answer").to_owned();
    let mut ufrags: Vec<_> = answers.iter().map(ufrag).collect();
    // A check under an earlier name finds nobody, whatever it is signed with.
    let (stranger, before) = (UdpSocket::bind("127.0.0.3:0").expect("bound"), sfu.handle.stats().dropped_stun);
    let mut buffer = [0; 500];
    for ufrag in &ufrags[..10] {
        let id = str0m::ice::TransId::new();
        let request = str0m::ice::StunMessage::binding_request(ufrag, id, true, 1, 1, true);
        let length = request.to_bytes(Some(b"any"), &mut buffer, |_, _| [0; 20]).expect("fits");
        stranger.send_to(&buffer[..length], sfu.address()).expect("sent");
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_stun >= before + 10));
    ufrags.sort();
    ufrags.dedup();
    assert_eq!(ufrags.len(), 11, "each restart has a name of its own");
    clients.iter().for_each(assert_each_once);
    assert_nobody_left(&call);
}

#[test]
fn a_peer_whose_network_is_gone_is_reported_within_eight_seconds() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    drop(clients[0].move_behind_nat());
    let _unheard = clients.remove(0);
    let since = Instant::now();
    let lost = Event::Lost { peer: PeerId(1), reason: media::LossReason::Silent };
    assert!(wait_event(&call, &mut clients, |event| *event == lost));
    // 7 s of silence; the rest is what a busy machine may take.
    assert!((6..=10).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}
