//! One SFU under load: rooms are opened, media flows, a window of time is measured.
//!
//! A window begins and ends with a pause in sending, so that what is under way arrives and loss is exact: what was sent, times those who
//! should receive it, less what came.

use crate::load::{Load, Told};
use crate::process::{self, Usage};
use crate::sfu::{Publishing, Room, Sfu, Shape};
use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::time::{Duration, Instant};

/// Media that flows before a window.
const WARM_UP: Duration = Duration::from_millis(1_500);
/// Long enough for an SFU's queues to empty, too short to be taken for silence.
const PAUSE: Duration = Duration::from_millis(100);
/// Rooms that are filled at once.
const OPENING: usize = 4;

pub const FOUR: Shape = Shape { people: 4, receives: 3, publishing: Publishing::AudioAndVideo };
pub const TWO: Shape = Shape { people: 2, receives: 1, publishing: Publishing::AudioAndVideo };
/// Everybody hears the five loudest others.
pub const VOICE: Shape = Shape { people: 25, receives: 5, publishing: Publishing::Audio };
/// As many people where an SFU doesn't choose.
pub const ALL_TO_ALL: Shape = Shape { people: 25, receives: 24, publishing: Publishing::Audio };

/// As few are heard, without a choice: what a forwarder pays for packets that leave one by one, for five receivers each.
pub const SIX: Shape = Shape { people: 6, receives: 5, publishing: Publishing::Audio };

/// What joining cost.
#[derive(Debug, Clone, Copy)]
pub struct Joins {
    pub joins: usize,
    pub cpu: Duration,
}

impl Joins {
    pub fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.joins.max(1) as f64
    }
}

/// What happened in a stretch of time.
#[derive(Debug, Clone)]
pub struct Window {
    pub people: usize,
    /// In which media was sent.
    pub elapsed: Duration,
    pub sent: u64,
    /// Packets that receivers should have got.
    pub expected: u64,
    pub received: u64,
    /// Repeated or out of order; not in `received`.
    pub late: u64,
    pub cpu: Duration,
    pub load_cpu: Duration,
    pub resident_bytes: u64,
    /// Sorted, in nanoseconds.
    pub latencies: Vec<u64>,
    /// CPU time of each media thread of zzan.
    pub threads: Vec<Duration>,
}

impl Window {
    /// CPU time of the SFU for each packet that reached a receiver.
    pub fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64
    }

    /// Of what should have come, 0 to 1.
    pub fn loss(&self) -> f64 {
        1.0 - self.received as f64 / self.expected.max(1) as f64
    }

    /// Packets sent by each participant a second.
    pub fn sending(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64() / self.people.max(1) as f64
    }

    /// Packets forwarded a second.
    pub fn rate(&self) -> f64 {
        self.received as f64 / self.elapsed.as_secs_f64()
    }

    /// Of one core, 0 to 1.
    pub fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// Of one core, 0 to 1.
    pub fn load_busy(&self) -> f64 {
        self.load_cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    pub fn latency_ms(&self, quantile: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * quantile) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |nanos| *nanos as f64 / 1e6)
    }
}

/// An SFU with its rooms.
pub struct Stage {
    pub sfu: Box<dyn Sfu>,
    load: Load,
    rooms: Vec<Room>,
    shape: Shape,
    /// Resident before anybody came.
    pub empty_bytes: u64,
}

impl Stage {
    pub async fn new(mut sfu: Box<dyn Sfu>) -> anyhow::Result<Self> {
        let empty_bytes = sfu.process().usage()?.resident_bytes;
        Ok(Self { sfu, load: Load::start()?, rooms: vec![], shape: FOUR, empty_bytes })
    }

    pub fn people(&self) -> usize {
        self.rooms.iter().map(|room| room.people).sum()
    }

    /// Opens rooms until there are so many; media is still while people join.
    pub async fn fill(&mut self, rooms: usize, shape: Shape) -> anyhow::Result<Joins> {
        self.shape = shape;
        self.load.send(false)?;
        tokio::time::sleep(PAUSE).await;
        let before = self.sfu.process().usage()?;
        let missing = rooms.saturating_sub(self.rooms.len());
        let (sfu, load) = (&self.sfu, &self.load);
        let opened = stream::iter(0..missing).map(|_| sfu.open(load, shape)).buffer_unordered(OPENING).try_collect::<Vec<Room>>().await;
        let name = self.sfu.name();
        self.rooms.extend(opened.with_context(|| format!("{name}: filling {rooms} rooms; {}", self.sfu.process().last_words()))?);
        let after = self.sfu.process().usage()?;
        Ok(Joins { joins: missing * shape.people, cpu: after.cpu - before.cpu })
    }

    /// Sends everybody out, and waits until the SFU has nothing to do.
    pub async fn empty(&mut self) -> anyhow::Result<()> {
        self.load.send(false)?;
        let rooms = std::mem::take(&mut self.rooms);
        let (sfu, load) = (&self.sfu, &self.load);
        stream::iter(rooms).map(|room| close(&**sfu, load, room)).buffer_unordered(OPENING).try_collect::<Vec<()>>().await?;
        // Longer than anything here is kept for latecomers.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let settled = async {
            loop {
                let before = self.sfu.process().usage()?.cpu;
                tokio::time::sleep(Duration::from_millis(500)).await;
                if self.sfu.process().usage()?.cpu - before < Duration::from_millis(50) {
                    return anyhow::Ok(());
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), settled).await.context("the SFU doesn't come to rest")?
    }

    /// Measures `time` of media, after a warm-up.
    pub async fn window(&mut self, time: Duration) -> anyhow::Result<Window> {
        self.load.send(true)?;
        tokio::time::sleep(WARM_UP).await;
        let before = self.mark(true).await?;
        tokio::time::sleep(time).await;
        let after = self.mark(false).await?;
        self.between(&before, &after)
    }

    /// As [`Stage::window`], while rooms of four are filled and left again, `joins` people a second.
    pub async fn window_with_joins(&mut self, time: Duration, joins: u32) -> anyhow::Result<Window> {
        self.load.send(true)?;
        tokio::time::sleep(WARM_UP).await;
        let before = self.mark(true).await?;
        let mut tick = tokio::time::interval(Duration::from_secs(FOUR.people as u64) / joins);
        let start = Instant::now();
        let mut guests: Vec<Room> = vec![];
        while start.elapsed() < time {
            tick.tick().await;
            guests.push(self.sfu.open(&self.load, FOUR).await?);
            if guests.len() > 4 {
                close(&*self.sfu, &self.load, guests.remove(0)).await?;
            }
        }
        let after = self.mark(false).await?;
        for room in guests {
            close(&*self.sfu, &self.load, room).await?;
        }
        self.between(&before, &after)
    }

    /// Where a window begins or ends: sending pauses, and goes on if there is more to measure.
    async fn mark(&mut self, goes_on: bool) -> anyhow::Result<Mark> {
        self.load.send(false)?;
        let stopped = Instant::now();
        tokio::time::sleep(PAUSE).await;
        let told = self.load.tell().await?;
        self.load.keep_latencies(goes_on)?;
        let (usage, own) = (self.sfu.process().usage()?, process::own_usage()?);
        let threads = self.sfu.process().threads("media-")?;
        self.load.send(goes_on)?;
        Ok(Mark { stopped, resumed: Instant::now(), told, usage, own, threads })
    }

    fn between(&self, before: &Mark, after: &Mark) -> anyhow::Result<Window> {
        let (was, is) = (&before.told.tally, &after.told.tally);
        let (lost, reason) = &after.told.lost;
        ensure!(*lost == 0, "{}: {lost} transports died, the first: {}", self.sfu.name(), reason.as_deref().unwrap_or_default());
        if let (failed @ 1.., Some(reason)) = &after.told.dtls_failed {
            eprintln!("{}: the DTLS of {failed} transports failed behind its handshake, the first: {reason}", self.sfu.name());
        }
        let broken = is.received.broken - was.received.broken;
        let samples = is.received.samples - was.received.samples;
        ensure!(broken * 100 <= samples, "{}: {broken} of {samples} samples don't open", self.sfu.name());
        let sent = is.sent - was.sent;
        let threads = before.threads.iter().zip(&after.threads).map(|(before, after)| *after - *before).collect();
        let mut latencies = is.latencies.clone().unwrap_or_default();
        latencies.sort_unstable();
        Ok(Window {
            people: self.people(),
            elapsed: after.stopped - before.resumed,
            sent,
            expected: sent * self.shape.receives as u64,
            received: is.received.packets - was.received.packets,
            late: is.received.late - was.received.late,
            cpu: after.usage.cpu - before.usage.cpu,
            load_cpu: after.own.cpu - before.own.cpu,
            resident_bytes: after.usage.resident_bytes,
            latencies,
            threads,
        })
    }
}

async fn close(sfu: &dyn Sfu, load: &Load, room: Room) -> anyhow::Result<()> {
    load.remove(room.clients.clone())?;
    sfu.close(room).await
}

struct Mark {
    stopped: Instant,
    resumed: Instant,
    told: Told,
    usage: Usage,
    own: Usage,
    threads: Vec<Duration>,
}
