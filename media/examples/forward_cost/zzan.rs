//! The SFU under load, with full clients.

use crate::support::{Call, Client, Sfu, Shape, step_until, track};
use crate::{AUDIO_EVERY, Cost, FRAME_EVERY, FRAME_PACKETS, MEASURED, SEATS, Schedule, VIDEO_BYTES, WARM_UP, cpu};
use media::Kind;
use std::time::{Duration, Instant};

pub fn run(rooms: usize) -> Cost {
    let sfu = Sfu::start();
    let mut clients: Vec<Client> = vec![];
    let calls: Vec<Call> = (0..rooms).map(|_| open(&sfu, &mut clients)).collect();
    let mut audio = Schedule::new(clients.len(), AUDIO_EVERY);
    let mut video = Schedule::new(clients.len(), FRAME_EVERY);
    let mut key_frames = vec![0; clients.len()];
    let mut load = |time: Duration| {
        let start = Instant::now();
        while start.elapsed() < time {
            for (n, client) in clients.iter_mut().enumerate() {
                let now = Instant::now();
                if audio.is_due(n, now) {
                    client.send_audio(-30);
                }
                if video.is_due(n, now) {
                    let key = client.key_frames_wanted.len() > key_frames[n];
                    key_frames[n] = client.key_frames_wanted.len();
                    client.send_frame(key, FRAME_PACKETS, VIDEO_BYTES);
                }
                client.step();
                client.got.clear();
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    };
    load(WARM_UP);
    let measure = || (sfu.handle.stats().rtp_forwarded, cpu::of_thread("media-0"), Instant::now());
    let before = measure();
    load(MEASURED);
    let after = measure();
    drop(calls);
    let stats = sfu.handle.stats();
    let dropped = stats.dropped_send + stats.dropped_ssrc_limit + stats.dropped_codec;
    assert_eq!(dropped, 0, "all of the load is forwarded: {stats:?}");
    Cost { forwarded: after.0 - before.0, cpu: after.1 - before.1, elapsed: after.2 - before.2 }
}

fn open(sfu: &Sfu, clients: &mut Vec<Client>) -> Call {
    let call = sfu.call();
    let mut seats: Vec<_> = (0..SEATS).map(|_| Client::new(Shape::both(SEATS - 1))).collect();
    for (n, client) in (1..).zip(&mut seats) {
        call.join(n, client);
    }
    assert!(step_until(&mut seats, |seats| seats.iter().all(|seat| seat.connected)));
    for (to, client) in (1..).zip(&seats) {
        for (n, from) in (1..=SEATS as u64).filter(|from| *from != to).enumerate() {
            call.bind(to, client.slot(Kind::Audio, n), Some(track(from, 0)));
            call.bind(to, client.slot(Kind::Video, n), Some(track(from, 1)));
        }
    }
    clients.extend(seats);
    call
}
