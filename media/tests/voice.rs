//! A room of many: who is heard, and that nobody hears more.

mod support;

use media::{Command, Event, Kind, POOL_SLOTS, PeerId, SpeakerSlot};
use std::collections::HashSet;
use std::time::Duration;
use support::*;

const SPEECH: i8 = -25;
const NOISE: i8 = -80;

/// Clients with a microphone and as many slots as the pool fills, all of which follow the speakers.
fn channel(sfu: &Sfu, clients: usize) -> (Call, Vec<Client>) {
    let call = sfu.call();
    let shape = Shape { sends: vec![Kind::Audio], receives: vec![Kind::Audio; POOL_SLOTS], ..Shape::default() };
    let mut clients: Vec<_> = (0..clients).map(|_| Client::new(shape.clone())).collect();
    call.join_all(&mut clients);
    for (peer, client) in (1..).zip(&clients) {
        for n in 0..POOL_SLOTS {
            call.command(Command::BindSpeaker { peer: PeerId(peer), slot: client.slot(Kind::Audio, n) });
        }
    }
    (call, clients)
}

/// Everyone sends 20 ms packets, signed with who they are; `level` says how loud each is.
fn speak(clients: &mut [Client], time: Duration, level: impl Fn(usize) -> i8) {
    step_for(clients, time, |clients, _| {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send_voice(Some(level(n)), &[n as u8; 60]);
        }
    });
}

/// Whom a client heard since its packet number `since`.
fn heard(client: &Client, since: usize) -> HashSet<usize> {
    client.got[since..].iter().map(|got| usize::from(got.packet.payload[0])).collect()
}

fn marks(clients: &[Client]) -> Vec<usize> {
    clients.iter().map(|client| client.got.len()).collect()
}

#[test]
fn in_a_room_of_twelve_all_hear_those_who_speak_and_nobody_itself() {
    let sfu = Sfu::start();
    let (call, mut clients) = channel(&sfu, 12);
    let speakers = [1, 3, 5, 7, 9];
    let level = |n: usize| if speakers.contains(&n) { SPEECH } else { NOISE };
    speak(&mut clients, Duration::from_millis(600), level);
    let since = marks(&clients);
    speak(&mut clients, Duration::from_millis(600), level);
    for (n, (client, since)) in clients.iter().zip(since).enumerate() {
        let others: HashSet<usize> = speakers.into_iter().filter(|speaker| *speaker != n).collect();
        let heard = heard(client, since);
        assert!(others.is_subset(&heard), "{n} hears {heard:?}");
        assert!(!heard.contains(&n) && heard.len() == POOL_SLOTS, "{n} hears {heard:?}");
        for slot in 0..POOL_SLOTS {
            assert_continuous(client.got_on(client.slot(Kind::Audio, slot)));
        }
    }
    // One who speaks hears the four others, and the next voice, the same for all of them.
    let next: HashSet<_> = speakers.iter().flat_map(|n| heard(&clients[*n], clients[*n].got.len() - 20)).collect();
    assert_eq!(next.len(), POOL_SLOTS + 1);
    let last = call
        .events()
        .into_iter()
        .filter_map(|event| if let Event::SpeakerSlots { slots } = event { Some(slots) } else { None })
        .next_back();
    let told = last.expect("the slots were told");
    assert_eq!(told.len(), 12 * POOL_SLOTS, "all slots of all peers");
    for (n, client) in clients.iter().enumerate() {
        for &SpeakerSlot { slot, track: carried, .. } in told.iter().filter(|told| told.peer == PeerId(n as u64 + 1)) {
            let newest = client.got_on(slot).last().expect("a packet").payload[0];
            assert_eq!(carried, Some(track(u64::from(newest) + 1, 0)));
        }
    }
}

#[test]
fn the_first_word_of_the_tenth_is_heard_by_everyone_from_its_first_packet() {
    let sfu = Sfu::start();
    let (_call, mut clients) = channel(&sfu, 10);
    speak(&mut clients, Duration::from_millis(400), |n| if n < 3 { SPEECH } else { NOISE });
    let since = marks(&clients);
    clients[9].send_voice(Some(SPEECH), &[99; 60]);
    let arrived = |client: &Client, since: usize| heard(client, since).contains(&99);
    let all = step_until(&mut clients, |clients| clients[..9].iter().zip(&since).all(|(client, since)| arrived(client, *since)));
    assert!(all);
    assert!(!arrived(&clients[9], since[9]));
}

#[test]
fn a_muted_speaker_and_one_who_leaves_make_room_at_once() {
    let sfu = Sfu::start();
    let (call, mut clients) = channel(&sfu, 8);
    // 0 to 5 hold the places; 6 is louder than nobody, so it waits.
    let level = |n: usize| if n < 6 { SPEECH } else { SPEECH - 6 };
    speak(&mut clients, Duration::from_millis(500), level);
    let since = clients[7].got.len();
    speak(&mut clients, Duration::from_millis(200), level);
    assert!(!heard(&clients[7], since).contains(&6), "{:?}", heard(&clients[7], since));
    call.command(Command::SetMuted { track: track(1, 0), muted: true });
    call.command(Command::RemovePeer { peer: PeerId(2) });
    let since = clients[7].got.len();
    let heard_now = step_until(&mut clients, |clients| {
        for (n, client) in clients.iter_mut().enumerate().filter(|(n, _)| *n != 1) {
            client.send_voice(Some(level(n)), &[n as u8; 60]);
        }
        heard(&clients[7], since).contains(&6)
    });
    assert!(heard_now);
    let since = clients[7].got.len();
    step_for(&mut clients, Duration::from_millis(200), |clients, _| clients[0].send_voice(Some(SPEECH), &[0; 60]));
    assert!(heard(&clients[7], since).is_disjoint(&HashSet::from([0, 1])), "muted and gone");
}

#[test]
fn a_sender_without_levels_is_heard_beside_silent_ones() {
    let sfu = Sfu::start();
    let (_call, mut clients) = channel(&sfu, 9);
    speak(&mut clients, Duration::from_millis(300), |_| NOISE);
    let since = clients[0].got.len();
    let heard_now = step_until(&mut clients, |clients| {
        clients[8].send_voice(None, &[8; 60]);
        heard(&clients[0], since).contains(&8)
    });
    assert!(heard_now);
}

#[test]
fn a_slot_that_is_bound_to_a_track_follows_nobody_any_more() {
    let sfu = Sfu::start();
    let (call, mut clients) = channel(&sfu, 8);
    let slot = clients[0].slot(Kind::Audio, 0);
    call.bind(1, slot, Some(track(8, 0)));
    speak(&mut clients, Duration::from_millis(400), |n| if n < 7 { SPEECH } else { NOISE });
    let since = clients[0].got.len();
    speak(&mut clients, Duration::from_millis(300), |n| if n < 7 { SPEECH } else { NOISE });
    let on_slot: HashSet<_> = clients[0].got[since..].iter().filter(|got| got.mid == slot).map(|got| got.packet.payload[0]).collect();
    assert_eq!(on_slot, HashSet::from([7]));
}
