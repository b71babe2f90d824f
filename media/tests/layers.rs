//! What a client demands of a slot is what it gets, and its publisher hears what nobody demands.

mod support;

use media::{Command, Demand, Event, Kind, PeerId, PeerStats};
use std::time::Duration;
use support::*;

fn demand(call: &Call, peer: u64, slot: media::Mid, demand: Demand) {
    call.command(Command::Demand { peer: PeerId(peer), slot, demand });
}

fn stats(call: &Call, peer: u64) -> Option<PeerStats> {
    let (reply, answer) = std::sync::mpsc::channel();
    call.command(Command::Stats { peer: PeerId(peer), reply: Box::new(move |stats| reply.send(stats).expect("awaited")) });
    answer.recv_timeout(LIMIT).expect("answered")
}

const PAUSED: Demand = Demand { paused: true, size: None };

#[test]
fn a_paused_slot_gets_nothing_and_comes_back_with_a_key_frame() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 10);
    let (audio, video) = (clients[1].slot(Kind::Audio, 0), clients[1].slot(Kind::Video, 0));
    demand(&call, 2, video, PAUSED);
    stats(&call, 2).expect("the command before has been applied");
    let in_flight = sfu.handle.stats().rtp_in;
    assert!(talk_until(&mut clients, |_| sfu.handle.stats().rtp_in > in_flight + 20));
    let (heard, seen) = (clients[1].got_on(audio).count(), clients[1].got_on(video).count());
    let bytes = |stats: &PeerStats| stats.slots.iter().find(|slot| slot.mid == video).expect("a slot").bytes;
    let before = bytes(&stats(&call, 2).expect("present"));
    assert!(talk_until(&mut clients, |clients| clients[1].got_on(audio).count() > heard + 30), "audio goes on");
    assert_eq!(clients[1].got_on(video).count(), seen);
    assert_eq!(bytes(&stats(&call, 2).expect("present")), before, "not one byte");
    demand(&call, 2, video, Demand::default());
    talk_all(&mut clients, 10);
    let first = clients[1].got_on(video).nth(seen).expect("a packet");
    assert_eq!(first.payload[6], 0, "a key frame");
    assert_continuous(clients[1].got_on(video));
}

#[test]
fn a_publisher_hears_that_nobody_watches_and_that_somebody_does_again() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let video = clients[1].slot(Kind::Video, 0);
    let told = |wanted: bool| move |event: &Event| *event == Event::Layers { track: track(1, 1), wanted, active: vec![] };
    demand(&call, 2, video, PAUSED);
    assert!(talk_until(&mut clients, |_| call.events().iter().any(told(false))));
    let heard = call.events().len();
    demand(&call, 2, video, Demand::default());
    assert!(talk_until(&mut clients, |_| call.events()[heard..].iter().any(told(true))));
    let other = |event: &Event| matches!(event, Event::Layers { track: of, .. } if *of != track(1, 1));
    assert!(!call.events().iter().any(other), "the other publisher is watched all the time");
}

#[test]
fn statistics_count_what_goes_in_and_what_comes_out() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 50);
    step_for(&mut clients, Duration::from_millis(200), |_, _| {});
    let of = |peer| stats(&call, peer).expect("present");
    let (one, two) = (of(1), of(2));
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        let (source, slot) = (&one.sources[n], &two.slots[n]);
        assert_eq!((source.kind, slot.kind), (kind, kind));
        assert_eq!((source.track, slot.track), (Some(track(1, n)), Some(track(1, n))));
        let [layer] = &source.layers[..] else { panic!("one layer: {source:?}") };
        assert!(layer.packets >= 50 && layer.bytes >= layer.packets * 100);
        assert!(slot.packets >= 50 && slot.packets <= layer.packets);
        let got = clients[1].got_on(slot.mid).count() as u64;
        assert_eq!(slot.packets, got);
    }
    assert!(two.slots[1].key_frames >= 1 && one.sources[1].layers[0].plis <= one.sources[1].layers[0].key_frames);
    assert_eq!(stats(&call, 9), None);
    let excellent =
        |event: &Event| matches!(event, Event::Quality { qualities } if qualities.contains(&(PeerId(1), media::Quality::Excellent)));
    assert!(talk_until(&mut clients, |_| call.events().iter().any(excellent)));
}
