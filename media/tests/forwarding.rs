//! What goes in at one client comes out at the others that it is bound to, and nowhere else.

mod support;

use media::{Event, Kind, PeerId};
use std::time::Duration;
use support::*;

/// Two clients that receive each other's audio and video.
fn pair(sfu: &Sfu) -> (Call, Vec<Client>) {
    let call = sfu.call();
    let mut clients = vec![Client::new(Shape::both(1)), Client::new(Shape::both(1))];
    call.join_all(&mut clients);
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    (call, clients)
}

/// Sends audio and video from all until `done`; a key frame whenever the SFU asked for one.
fn talk_until(clients: &mut [Client], mut done: impl FnMut(&mut [Client]) -> bool) -> bool {
    let mut turn = 0;
    let mut asked = vec![0; clients.len()];
    let start = std::time::Instant::now();
    step_until(clients, |clients| {
        if start.elapsed() >= Duration::from_millis(20) * turn {
            turn += 1;
            for (client, asked) in clients.iter_mut().zip(&mut asked) {
                client.send_audio(-30);
                let key = client.key_frames_wanted.len() > *asked;
                *asked = client.key_frames_wanted.len();
                client.send_video(key);
            }
        }
        done(clients)
    })
}

#[test]
fn two_peers_hear_and_see_each_other() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let enough = |client: &Client| [Kind::Audio, Kind::Video].iter().all(|&kind| client.got_on(client.slot(kind, 0)).count() >= 50);
    assert!(talk_until(&mut clients, |clients| clients.iter().all(enough)));
    for client in &clients {
        for kind in [Kind::Audio, Kind::Video] {
            assert_continuous(client.got_on(client.slot(kind, 0)));
            let first = client.got_on(client.slot(kind, 0)).next().expect("a packet");
            assert!(*first.seq_no < 65_536, "the first roll-over counter is zero");
        }
        let first = client.got_on(client.slot(Kind::Video, 0)).next().expect("a packet");
        assert_eq!(first.payload[6], 0, "video starts with a key frame");
        let audio = client.got_on(client.slot(Kind::Audio, 0)).next().expect("a packet");
        assert_eq!(audio.header.ext_vals.audio_level, Some(-30));
    }
    let connected = [1, 2].map(|peer| Event::Connected { peer: PeerId(peer) });
    assert!(connected.iter().all(|event| call.events().contains(event)));
    assert_eq!(sfu.handle.stats().panics, 0);
}
