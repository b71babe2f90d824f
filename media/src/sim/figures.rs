//! What a subscriber of a [`World`] had of it.

use super::link::Fate;
use super::world::World;
use crate::Kind;
use std::time::{Duration, Instant};

/// Between two moments, of one subscriber with one voice and one camera.
#[derive(Debug)]
pub(super) struct Figures {
    /// Of the voice packets that chance let through, how many arrived.
    pub(super) audio_share: f64,
    pub(super) audio_wait_p99: Duration,
    /// Of all packets: how long they waited at the bottleneck.
    pub(super) wait_p99: Duration,
    pub(super) longest_freeze: Duration,
    pub(super) frames: usize,
    pub(super) sent_kbps: u64,
}

impl Figures {
    pub(super) fn of(world: &World, client: usize, from: Duration, to: Duration) -> Self {
        let within = |at: Instant| at >= world.start + from && at < world.start + to;
        let audio = world.clients[client].ssrcs.get(&world.clients[client].slot(Kind::Audio, 0)).copied();
        let book: Vec<_> = world.down[client].book.iter().filter(|entry| within(entry.at)).collect();
        let voices: Vec<_> = book.iter().filter(|entry| entry.ssrc.is_some() && entry.ssrc == audio && entry.fate != Fate::Lost).collect();
        let arrived = voices.iter().filter(|entry| entry.fate == Fate::Arrives).count();
        let shown: Vec<Instant> = world.clients[client].screen(0).shown.iter().map(|(at, _)| *at).filter(|at| within(*at)).collect();
        let edges = [world.start + from].into_iter().chain(shown.iter().copied()).chain([world.start + to]).collect::<Vec<_>>();
        let bytes: usize = book.iter().map(|entry| entry.bytes).sum();
        Self {
            audio_share: arrived as f64 / voices.len().max(1) as f64,
            audio_wait_p99: percentile(voices.iter().map(|entry| entry.waited).collect()),
            wait_p99: percentile(book.iter().map(|entry| entry.waited).collect()),
            longest_freeze: edges.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default(),
            frames: shown.len(),
            sent_kbps: (bytes as f64 * 8.0 / (to - from).as_secs_f64() / 1000.0) as u64,
        }
    }
}

fn percentile(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    waits.get((waits.len() * 99 / 100).min(waits.len().saturating_sub(1))).copied().unwrap_or_default()
}
