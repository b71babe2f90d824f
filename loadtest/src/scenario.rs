//! A run: makes the rooms, sends the users in, stops them together, and collects their reports.
//!
//! Bounded in time: every step of a user has a limit of its own, and `stop` ends the run early at any point.

use crate::report::Report;
use crate::rest::{Backend, RestError};
use crate::rtc::Epoch;
use crate::target::{Dialer, Target};
use crate::user::{self, Common, Failure, Rates, Ticket, UserReport};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Users that are joining at the same time. More would measure this machine's key generation rather than the node.
const JOINS_AT_ONCE: usize = 8;

/// What to run.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub dialer: Dialer,
    pub backend: Backend,
    /// 1 or more.
    pub rooms: u32,
    /// In each room, 2–4.
    pub people: u8,
    /// From the moment that the last user has joined, or failed to.
    pub duration: Duration,
    pub rates: Rates,
}

/// Why a run didn't begin.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("cannot make a room: {0}")]
    Room(#[from] RestError),
    #[error("cannot find the way to {target}: {source}")]
    Route { target: Target, source: std::io::Error },
}

impl Scenario {
    /// Runs to the end, until `stop`, or until no user is left. Cancels `stop` itself when the time is over.
    ///
    /// # Errors
    /// [`ScenarioError`] when the rooms can't be made. What fails later is in the report.
    pub async fn run(&self, stop: CancellationToken) -> Result<Report, ScenarioError> {
        let target = self.dialer.target();
        let local = target.local_ip().await.map_err(|source| ScenarioError::Route { target: target.clone(), source })?;
        let common = Common { dialer: self.dialer.clone(), local, epoch: Epoch::start(), rates: self.rates };
        let run = format!("{:08x}", rand::random::<u32>());
        let mut rooms = Vec::new();
        for number in 0..self.rooms {
            let name = format!("load {run} {number}");
            tokio::select! {
                room = self.backend.create_room(&name, self.people) => rooms.push(room?),
                () = stop.cancelled() => break,
            }
        }
        let users = self.send_in(&run, &rooms, &common, &stop).await;
        Ok(Report::new(self, users))
    }

    async fn send_in(&self, run: &str, rooms: &[String], common: &Common, stop: &CancellationToken) -> Vec<UserReport> {
        let people = u32::from(self.people);
        let (settled, mut settling) = mpsc::channel(JOINS_AT_ONCE);
        let joins = Arc::new(Semaphore::new(JOINS_AT_ONCE));
        let mut users = JoinSet::new();
        for (room_number, room) in (0u32..).zip(rooms) {
            for seat in 0..people {
                let visitor = Visitor {
                    user: room_number * people + seat,
                    room_number,
                    room: room.clone(),
                    name: format!("load-{run}-{room_number}-{seat}"),
                };
                users.spawn(visit(visitor, self.backend.clone(), common.clone(), joins.clone(), settled.clone(), stop.clone()));
            }
        }
        drop(settled);
        // Ends when all have settled: each holds one clone of the sender until then.
        while settling.recv().await.is_some() {}
        let deadline = Instant::now() + self.duration;
        let mut reports = Vec::new();
        loop {
            tokio::select! {
                ended = users.join_next() => match ended {
                    Some(Ok(report)) => reports.push(report),
                    Some(Err(error)) => tracing::error!(%error, "a user's task ended without a report"),
                    None => break,
                },
                () = tokio::time::sleep_until(deadline), if !stop.is_cancelled() => stop.cancel(),
            }
        }
        reports.sort_by_key(|report| report.user);
        reports
    }
}

struct Visitor {
    user: u32,
    room_number: u32,
    room: String,
    name: String,
}

async fn visit(
    visitor: Visitor,
    backend: Backend,
    common: Common,
    joins: Arc<Semaphore>,
    settled: mpsc::Sender<()>,
    stop: CancellationToken,
) -> UserReport {
    let Visitor { user, room_number, room, name } = visitor;
    let admitted = async {
        let permit = joins.acquire_owned().await;
        (permit, backend.room_token(&room, &name, &name).await)
    };
    let (permit, token) = tokio::select! {
        (permit, token) = admitted => match token {
            Ok(token) => (permit, token),
            Err(error) => return UserReport::failed(user, room_number, Failure::new(error.code(), &error)),
        },
        () = stop.cancelled() => return UserReport::failed(user, room_number, Failure::new("stopped", "the run was stopped before this user's turn")),
    };
    let (own_settled, mut own_settling) = mpsc::channel(1);
    let joining = async {
        own_settling.recv().await;
        drop((permit, settled));
    };
    let ticket = Ticket { user, room_number, room, token };
    let (report, ()) = tokio::join!(user::run(common, ticket, own_settled, stop), joining);
    report
}
