//! Unread counts of all of a user's channels, over a large history.

use crate::appends::message;
use crate::backend::Backend;
use crate::load;
use loadtest::histogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rooms::store::Membership;
use rooms::view::Audience;
use rooms::{ChannelId, RoleId, UserId};
use std::time::Instant;

/// The heading of [`measure`]'s lines.
pub const HEADING: &str =
    "| store | messages | sends in flight | of whom | p50 ms | p99 ms | longest ms |\n| --- | --- | --- | --- | --- | --- | --- |";

/// Channels of one query.
const CHANNELS: u64 = 200;

/// People who write.
const AUTHORS: u64 = 500;

/// Users of each kind that ask. They write as well.
const READERS: u64 = 20;

/// The first of those who have read nothing.
const ABSENT: u64 = 100;

/// Appends in flight while the history is made.
const IN_FLIGHT: u64 = 512;

/// Roles that there are, and that everyone who asks has in each channel.
const ROLES: u64 = 20;
const ROLES_EACH: u64 = 3;

/// Of a hundred messages this many are deleted, mention everyone, a role, and somebody.
const DELETED_PERCENT: u32 = 1;
const EVERYONE_PERCENT: u32 = 1;
const ROLE_PERCENT: u32 = 2;
const NAMED_PERCENT: u32 = 5;

/// Sends in flight beside the queries, and none.
const SENDS: [u64; 2] = [0, 64];

/// Makes the history, then asks for users who have read nearly everything, and for some who have read nothing.
pub async fn measure(backend: &Backend, messages: u64, queries: u64) -> anyhow::Result<Vec<String>> {
    let head = messages / CHANNELS;
    let started = Instant::now();
    make_history(backend, head).await?;
    let made = started.elapsed();
    for user in 0..READERS {
        for channel in channels() {
            backend.store.mark_unread(&reader(user), &channel, head + 1 - user * 5).await?;
            backend.store.mark_unread(&reader(ABSENT + user), &channel, 1).await?;
        }
    }
    let mut rows = Vec::new();
    for sends in SENDS {
        let sending = keep_sending(backend, sends);
        for (kind, first, since) in
            [("read all but 0–95", 0, 0), ("read nothing since coming halfway", ABSENT, head / 2), ("read nothing at all", ABSENT, 0)]
        {
            let times_us = ask(backend, first, since, queries).await?;
            let [p50, p99, longest] = [50.0, 99.0, 100.0].map(|percent| load::millis(&times_us, percent));
            rows.push(format!("| {} | {messages} | {sends} | {kind} | {p50} | {p99} | {longest} |", backend.name));
        }
        drop(sending);
    }
    rows.push(format!(
        "\n{messages} messages were stored in {:.1} s, {:.0} a second.",
        made.as_secs_f64(),
        messages as f64 / made.as_secs_f64()
    ));
    Ok(rows)
}

/// The times of queries of all channels by one user after another.
async fn ask(backend: &Backend, first: u64, since: u64, queries: u64) -> anyhow::Result<Histogram> {
    let roles: Vec<RoleId> = (0..ROLES_EACH).map(role).collect();
    let asked: Vec<Membership> = channels().map(|channel| Membership { channel, since, roles: roles.clone() }).collect();
    let mut times_us = Histogram::default();
    for n in 0..queries {
        let user = reader(first + n % READERS);
        let started = Instant::now();
        backend.store.unread(&user, &asked).await?;
        times_us.record(started.elapsed().as_micros() as u64);
    }
    Ok(times_us)
}

/// Sends into all channels until the set is dropped, by people who ask for nothing.
fn keep_sending(backend: &Backend, sends: u64) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..sends {
        let store = backend.store.clone();
        tasks.spawn(async move {
            for n in (task..).step_by(sends as usize) {
                // A send that fails is told by the store, and the queries are what is measured.
                let _ = store.append(message(&channel(n % CHANNELS), AUTHORS + task, n, vec![])).await;
            }
        });
    }
    tasks
}

fn channels() -> impl Iterator<Item = ChannelId> {
    (0..CHANNELS).map(|n| ChannelId::new(channel(n)))
}

/// `head` messages in each channel, by its own author each: the readers are among the authors.
async fn make_history(backend: &Backend, head: u64) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..IN_FLIGHT {
        let store = backend.store.clone();
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(task);
            for n in (task..head * CHANNELS).step_by(IN_FLIGHT as usize) {
                let mut mentions = vec![];
                if random.random_ratio(EVERYONE_PERCENT, 100) {
                    mentions.push(Audience::Everyone);
                }
                if random.random_ratio(ROLE_PERCENT, 100) {
                    mentions.push(Audience::Role(role(random.random_range(0..ROLES))));
                }
                if random.random_ratio(NAMED_PERCENT, 100) {
                    mentions.push(Audience::User(reader(random.random_range(0..AUTHORS))));
                }
                let new = message(&channel(n % CHANNELS), random.random_range(0..AUTHORS), n, mentions);
                let stored = store.append(new).await?.message;
                if random.random_ratio(DELETED_PERCENT, 100) {
                    store.delete(&stored.channel, stored.seq, stored.sent_at).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn channel(n: u64) -> String {
    format!("channel-{n}")
}

fn role(n: u64) -> RoleId {
    RoleId::new(format!("role-{n}"))
}

fn reader(n: u64) -> UserId {
    UserId::new(format!("user-{n:08}"))
}
