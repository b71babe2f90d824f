//! Cases of calendars, and of what is known of users.
//!
//! Invariant: as in the file above.

use super::{id, schedule, two_servers};
use crate::UserId;
use crate::store::conformance::{at_once, millis, user};
use crate::store::{ScheduleRecord, Status, Store, UserRecord};
use std::sync::Arc;

/// One of the same id in another server is another one.
pub async fn an_entry_of_a_calendar_comes_back_as_it_was_kept(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let full = schedule("a", "party", 100);
    let plain = ScheduleRecord { ends_at: None, color: None, remind_at: None, ..schedule("a", "walk", 200) };
    let twin = ScheduleRecord { server: id("b"), title: "other".to_owned(), ..full.clone() };
    for schedule in [&full, &plain, &twin] {
        store.put_schedule(schedule.clone()).await.unwrap();
    }
    for schedule in [&full, &plain, &twin] {
        assert_eq!(store.schedule(&schedule.server, &schedule.id).await.unwrap().as_ref(), Some(schedule));
    }
    assert_eq!(store.schedule(&id("b"), &plain.id).await.unwrap(), None);
    let moved = ScheduleRecord { starts_at: millis(900), changed_at: millis(5), ..full.clone() };
    store.put_schedule(moved.clone()).await.unwrap();
    assert_eq!(store.schedule(&id("a"), &full.id).await.unwrap(), Some(moved));
    assert!(store.delete_schedule(&id("a"), &full.id).await.unwrap());
    assert!(!store.delete_schedule(&id("a"), &full.id).await.unwrap());
    assert_eq!(store.schedule(&id("a"), &full.id).await.unwrap(), None);
    assert_eq!(store.schedule(&id("b"), &full.id).await.unwrap(), Some(twin));
}

/// The end of the time isn't in it.
pub async fn a_calendar_lists_what_begins_in_a_time_earliest_first(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    for (server, name, at_ms) in [("a", "3", 300), ("a", "1", 100), ("b", "2", 200), ("a", "2", 200), ("a", "2 too", 200)] {
        store.put_schedule(schedule(server, name, at_ms)).await.unwrap();
    }
    for (from, to, expected) in [
        (100, 300, &["1", "2", "2 too"][..]),
        (101, 301, &["2", "2 too", "3"]),
        (0, 100, &[]),
        (0, 101, &["1"]),
        (250, 250, &[]),
        (300, 100, &[]),
    ] {
        let found = store.schedules(&id("a"), millis(from)..millis(to)).await.unwrap();
        let titles: Vec<&str> = found.iter().map(|schedule| schedule.title.trim_end_matches(" 모임")).collect();
        assert_eq!(titles, expected, "{from}..{to}");
    }
    assert_eq!(store.schedules(&id("b"), millis(0)..millis(999)).await.unwrap(), [schedule("b", "2", 200)]);
    assert_eq!(store.schedules(&id("never made"), millis(0)..millis(999)).await.unwrap(), []);
}

/// Earliest reminder first, no more than asked for.
pub async fn what_is_due_is_listed_across_servers_until_it_is_taken(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    // Reminders are 10 ms before.
    let [first, second, third] = [("b", "1", 110), ("a", "2", 120), ("b", "3", 130)].map(|(server, name, at)| schedule(server, name, at));
    let silent = ScheduleRecord { remind_at: None, ..schedule("a", "silent", 20) };
    for schedule in [&second, &third, &silent, &first] {
        store.put_schedule(schedule.clone()).await.unwrap();
    }
    assert_eq!(store.due_schedules(millis(99), 10).await.unwrap(), []);
    assert_eq!(store.due_schedules(millis(100), 10).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.due_schedules(millis(999), 10).await.unwrap(), [first.clone(), second.clone(), third.clone()]);
    assert_eq!(store.due_schedules(millis(999), 2).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.due_schedules(millis(999), 0).await.unwrap(), []);
    assert!(store.take_reminder(&first).await.unwrap());
    assert!(store.delete_schedule(&id("b"), &third.id).await.unwrap());
    assert_eq!(store.due_schedules(millis(999), 10).await.unwrap(), [second]);
    let taken = ScheduleRecord { remind_at: None, ..first.clone() };
    assert_eq!(store.schedule(&id("b"), &first.id).await.unwrap(), Some(taken), "all else of it stays");
}

/// 16 race for each of two.
pub async fn a_reminder_is_taken_by_one_of_many(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    for server in ["a", "b"] {
        store.put_schedule(schedule(server, "party", 100)).await.unwrap();
    }
    let taken = at_once(32, |index| {
        let store = store.clone();
        let server = if index % 2 == 0 { "a" } else { "b" };
        async move { store.take_reminder(&schedule(server, "party", 100)).await.unwrap().then_some(server) }
    })
    .await;
    let mut takers: Vec<&str> = taken.into_iter().flatten().collect();
    takers.sort_unstable();
    assert_eq!(takers, ["a", "b"]);
}

/// Whoever read it before has an old one; so has who reads one without a reminder.
pub async fn a_reminder_of_a_changed_entry_is_not_taken(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let before = schedule("a", "party", 100);
    store.put_schedule(before.clone()).await.unwrap();
    let changes: [fn(&mut ScheduleRecord); 8] = [
        |schedule| schedule.title.push('!'),
        |schedule| schedule.description.clear(),
        |schedule| schedule.starts_at = millis(500),
        |schedule| schedule.ends_at = None,
        |schedule| schedule.color = None,
        |schedule| schedule.remind_at = Some(millis(55)),
        |schedule| schedule.created_by = user("heir"),
        |schedule| schedule.changed_at = millis(5),
    ];
    for change in changes {
        let mut changed = before.clone();
        change(&mut changed);
        store.put_schedule(changed.clone()).await.unwrap();
        assert!(!store.take_reminder(&before).await.unwrap(), "{changed:?}");
        assert_eq!(store.schedule(&id("a"), &before.id).await.unwrap(), Some(changed));
    }
    let silent = ScheduleRecord { remind_at: None, ..before.clone() };
    store.put_schedule(silent.clone()).await.unwrap();
    assert!(!store.take_reminder(&before).await.unwrap());
    assert!(!store.take_reminder(&silent).await.unwrap());
    store.put_schedule(before.clone()).await.unwrap();
    assert!(store.take_reminder(&before).await.unwrap());
    assert!(!store.take_reminder(&before).await.unwrap());
}

/// The newest of each; unknown ones are left out.
pub async fn what_is_known_of_users_comes_back_in_the_order_asked(store: Arc<dyn Store>) {
    let known = |name: &str, status, last_seen| UserRecord { user: user(name), status, last_seen };
    let [a, b, c] = [("a", Status::Auto, None), ("b", Status::Busy, Some(millis(7))), ("c", Status::Away, Some(millis(8)))]
        .map(|(name, status, last_seen)| known(name, status, last_seen));
    for user in [&a, &b, &c] {
        store.put_user(user.clone()).await.unwrap();
    }
    let ids = ["c", "nobody", "a", "b"].map(UserId::new);
    assert_eq!(store.users(&ids).await.unwrap(), [c.clone(), a, b.clone()]);
    assert_eq!(store.users(&[]).await.unwrap(), []);
    assert_eq!(store.users(&[UserId::new("nobody")]).await.unwrap(), []);
    let mut seen = known("a", Status::Busy, Some(millis(9)));
    seen.user.name = "새 이름".to_owned();
    store.put_user(seen.clone()).await.unwrap();
    assert_eq!(store.users(&ids).await.unwrap(), [c, seen, b]);
}
