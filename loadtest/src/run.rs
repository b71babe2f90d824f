//! A run: makes the rooms, sends the users in, stops them together, and collects what they counted.
//!
//! Bounded in time: every step of a user has a limit of its own, and `stop` ends the run early at any point.

use crate::checks::{self, Stay};
use crate::histogram::Histogram;
use crate::lanes::Lane;
use crate::meter::Meter;
use crate::outcome::{Ended, Outcome, Shard, Tester};
use crate::recorder::{Epoch, Recorder};
use crate::rest::{Backend, RestError};
use crate::scenario::Scenario;
use crate::tally::{Second, Tally};
use crate::target::{Dialer, Target};
use crate::user::{self, Common, Person};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rooms that are being made or closed at the same time.
const ROOMS_AT_ONCE: usize = 8;
/// How long rooms may take to be closed at the end: they go away by themselves, too.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// What to run, against what.
#[derive(Debug, Clone)]
pub struct Run {
    pub scenario: Scenario,
    pub dialer: Dialer,
    pub backend: Backend,
    /// The same in all processes that share the run.
    pub id: String,
    pub shard: Shard,
    /// When the first person begins to join; at once without.
    pub start_at: Option<SystemTime>,
    /// Threads for the users, 1 or more.
    pub threads: usize,
}

/// Why a run didn't begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot make a room: {0}")]
    Room(#[from] RestError),
    #[error("cannot find the way to {target}: {source}")]
    Route { target: Target, source: std::io::Error },
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A run as it goes on, for those who watch.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    recorders: std::sync::Mutex<Vec<Recorder>>,
    settled: AtomicU32,
    /// Milliseconds since the run's start at which the last person had joined, or failed to; 0 before.
    settled_ms: AtomicU64,
}

/// A run at one moment.
#[derive(Debug, Clone, Default)]
pub struct Glance {
    /// In rooms.
    pub people: i64,
    /// Until now.
    pub errors: u64,
    /// The last one that is over.
    pub second: Second,
}

impl Progress {
    /// People who have joined for the first time, or failed to.
    pub fn settled(&self) -> u32 {
        self.0.settled.load(Ordering::Relaxed)
    }

    /// How long everybody has been in; `None` while people still join.
    pub fn lasting(&self) -> Option<Duration> {
        let settled_ms = self.0.settled_ms.load(Ordering::Relaxed);
        let now_ms = self.recorders().first()?.now_us() / 1_000;
        (settled_ms > 0).then(|| Duration::from_millis(now_ms.saturating_sub(settled_ms)))
    }

    /// What is counted until now.
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for recorder in self.recorders() {
            recorder.with(|counted| tally.merge(counted));
        }
        tally
    }

    /// How it goes now. Cheap, however long the run is: those who count wait for it.
    pub fn glance(&self) -> Glance {
        let mut glance = Glance::default();
        for recorder in self.recorders() {
            let last = (recorder.now_us() / 1_000_000).checked_sub(1).and_then(|second| usize::try_from(second).ok());
            recorder.with(|tally| {
                glance.people += tally.series.iter().map(|second| second.joined).sum::<i64>();
                glance.errors += tally.errors.values().map(|errors| errors.count).sum::<u64>();
                if let Some(second) = last.and_then(|last| tally.series.get(last)) {
                    glance.second.merge(second);
                }
            });
        }
        glance
    }

    fn recorders(&self) -> Vec<Recorder> {
        self.0.recorders.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Run {
    /// People of this process's rooms.
    pub fn people(&self) -> u32 {
        self.rooms().count() as u32 * self.scenario.people
    }

    /// Numbers of this process's rooms.
    fn rooms(&self) -> impl Iterator<Item = u32> {
        let shard = self.shard;
        (0..self.scenario.rooms).filter(move |room| shard.has(*room))
    }

    /// Runs to the end, until `stop`, or until no user is left. Cancels `stop` itself when the time is over.
    ///
    /// # Errors
    /// [`RunError`] when the rooms can't be made. What fails later is in the outcome.
    pub async fn execute(&self, progress: &Progress, stop: CancellationToken) -> Result<Outcome, RunError> {
        let target = self.dialer.target();
        let local = target.local_ip().await.map_err(|source| RunError::Route { target: target.clone(), source })?;
        let rooms = self.make_rooms(&stop).await?;
        if let Some(wait) = self.start_at.and_then(|at| at.duration_since(SystemTime::now()).ok()) {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        let started = SystemTime::now();
        let epoch = Epoch::start();
        let lanes: Vec<Lane> =
            (0..self.threads.max(1)).map(|lane| Lane::start(lane, epoch)).collect::<Result<_, _>>().map_err(RunError::Thread)?;
        *progress.0.recorders.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            lanes.iter().map(|lane| lane.recorder.clone()).collect();
        let meter = Meter::start();
        let common = Common { dialer: self.dialer.clone(), backend: self.backend.clone(), local, scenario: self.scenario.clone() };
        let (stays, ended) = self.send_in(&rooms, &common, &lanes, progress, &stop).await;
        let mut outcome = Outcome::of(&self.scenario, &self.id, &target.to_string());
        outcome.started_unix_ms =
            started.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        outcome.ended = ended;
        outcome.testers = vec![self.tester(&meter, &lanes)];
        outcome.checks = checks::check(&self.scenario, &stays);
        outcome.tally = progress.tally();
        for frozen_us in checks::final_freezes(&stays, common.freeze_us()) {
            outcome.tally.between_frames(frozen_us, 0);
        }
        self.close_rooms(rooms).await;
        Ok(outcome)
    }

    fn tester(&self, meter: &Meter, lanes: &[Lane]) -> Tester {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let mut lag = Histogram::default();
        lanes.iter().for_each(|lane| lag.merge(&lane.lag()));
        Tester { shard: self.shard, cores: Meter::cores(), wall_ms: millis(meter.wall()), cpu_ms: meter.cpu().map(millis), lag }
    }

    /// The rooms with their numbers. Those not made before `stop` are left out.
    async fn make_rooms(&self, stop: &CancellationToken) -> Result<Vec<(u32, String)>, RunError> {
        let make = |number: u32| async move {
            let name = format!("load {} {number}", self.id);
            self.backend.create_room(&name, self.scenario.kind, self.scenario.people).await.map(|room| (number, room))
        };
        let mut making = futures_util::stream::iter(self.rooms().map(make)).buffered(ROOMS_AT_ONCE);
        let mut rooms = Vec::new();
        loop {
            tokio::select! {
                made = making.next() => match made {
                    Some(Ok(room)) => rooms.push(room),
                    Some(Err(error)) => {
                        drop(making);
                        self.close_rooms(rooms).await;
                        return Err(error.into());
                    }
                    None => return Ok(rooms),
                },
                () = stop.cancelled() => return Ok(rooms),
            }
        }
    }

    async fn close_rooms(&self, rooms: Vec<(u32, String)>) {
        let closing = futures_util::stream::iter(rooms).for_each_concurrent(ROOMS_AT_ONCE, |(_, room)| async move {
            if let Err(error) = self.backend.end_room(&room).await {
                tracing::debug!(%error, "closing a room");
            }
        });
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }

    /// Everybody's stays, and how the run ended.
    async fn send_in(
        &self,
        rooms: &[(u32, String)],
        common: &Common,
        lanes: &[Lane],
        progress: &Progress,
        stop: &CancellationToken,
    ) -> (Vec<Stay>, Ended) {
        let (settled, mut settling) = mpsc::unbounded_channel();
        let joins = Arc::new(Semaphore::new(self.scenario.joins_at_once as usize));
        let mut users: FuturesUnordered<JoinHandle<Vec<Stay>>> = FuturesUnordered::new();
        let start = Instant::now();
        let everybody = f64::from(self.scenario.everybody());
        for (index, (room_number, room)) in rooms.iter().enumerate() {
            let lane = &lanes[index % lanes.len()];
            for seat in 0..self.scenario.people {
                let user = room_number * self.scenario.people + seat;
                let person = Person {
                    user,
                    room_number: *room_number,
                    room: room.clone(),
                    name: format!("load-{}-{room_number}-{seat}", self.id),
                    over_link: Person::is_over_link(&self.scenario, user),
                    recorder: lane.recorder.clone(),
                };
                let turn = start + self.scenario.ramp.mul_f64(f64::from(user) / everybody);
                let admission = Admission { turn, joins: joins.clone(), settled: settled.clone() };
                users.push(lane.handle().spawn(visit(common.clone(), person, admission, stop.clone())));
            }
        }
        drop(settled);
        // Ends when all have settled: each holds one clone of the sender until then.
        while settling.recv().await.is_some() {
            progress.0.settled.fetch_add(1, Ordering::Relaxed);
        }
        let now_ms = lanes.first().map_or(0, |lane| lane.recorder.now_us() / 1_000);
        progress.0.settled_ms.store(now_ms.max(1), Ordering::Relaxed);
        let deadline = Instant::now() + self.scenario.duration;
        let mut over = false;
        let mut stays = Vec::new();
        loop {
            tokio::select! {
                ended = users.next() => match ended {
                    Some(Ok(stayed)) => stays.extend(stayed),
                    Some(Err(error)) => tracing::error!(%error, "a user's task ended without a word"),
                    None if over => return (stays, Ended::InTime),
                    None if stop.is_cancelled() => return (stays, Ended::Interrupted),
                    None => return (stays, Ended::Deserted),
                },
                () = tokio::time::sleep_until(deadline), if !stop.is_cancelled() => {
                    over = true;
                    stop.cancel();
                }
            }
        }
    }
}

/// How a person comes in for the first time.
struct Admission {
    turn: Instant,
    joins: Arc<Semaphore>,
    settled: mpsc::UnboundedSender<()>,
}

/// Tells when it is dropped.
struct Settled {
    settled: mpsc::UnboundedSender<()>,
}

impl Drop for Settled {
    fn drop(&mut self) {
        let _ = self.settled.send(());
    }
}

async fn visit(common: Common, person: Person, admission: Admission, stop: CancellationToken) -> Vec<Stay> {
    let settled = Settled { settled: admission.settled };
    let admitted = async {
        tokio::time::sleep_until(admission.turn).await;
        admission.joins.acquire_owned().await
    };
    let permit = tokio::select! {
        permit = admitted => permit,
        () = stop.cancelled() => return vec![],
    };
    user::live(common, person, (settled, permit), stop).await
}
