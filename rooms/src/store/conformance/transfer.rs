//! What is read out of one store and put into another of the same kind is the same.
//!
//! Expanded by [`store_transfer_conformance!`](crate::store_transfer_conformance). Invariant: the second store knows nothing but the records.

use super::Walk;
use crate::store::{Position, Record, Store, Transfer};

/// Expands to one `#[tokio::test]` per case. Takes the path of an `async fn() -> (Arc<S>, K)` that makes an empty store, where `S` is both a
/// [`Store`] and a [`Transfer`], and anything that has to live as long as it.
#[macro_export]
macro_rules! store_transfer_conformance {
    ($make:path) => {
        $crate::store_transfer_conformance!($make;
            what_is_read_out_and_put_back_is_the_same_and_goes_on_the_same,
            records_that_are_put_twice_change_nothing,
            pages_of_every_size_hold_each_record_once,
        );
    };
    ($make:path; $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let ((from, _keep_from), (to, _keep_to)) = ($make().await, $make().await);
            $crate::store::conformance::$case(&*from, &*to).await;
        }
    )*};
}

/// Enough that every kind of record is there.
const STEPS: usize = 1_500;

/// All records, read in pages of `limit`, in the store's order.
async fn all(store: &impl Transfer, limit: u32) -> Vec<Record> {
    let (mut all, mut position): (Vec<Record>, Option<Position>) = (vec![], None);
    loop {
        let page = store.records(position, limit).await.unwrap();
        assert!(page.records.len() <= limit as usize);
        all.extend(page.records);
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
}

async fn copy(from: &impl Transfer, to: &impl Transfer) {
    for chunk in all(from, 64).await.chunks(23) {
        to.put_records(chunk.to_vec()).await.unwrap();
    }
}

/// Whatever a store answers is answered by the other: also a retry with a nonce of before, and the last use of a link.
pub async fn what_is_read_out_and_put_back_is_the_same_and_goes_on_the_same<S: Store + Transfer>(from: &S, to: &S) {
    assert_eq!(all(from, 10).await, [], "nothing in an empty store");
    // Of one seed, so that every kind of record is certain to be there.
    let mut walk = Walk::new(7, 1, STEPS);
    for _ in 0..STEPS {
        walk.step(from).await;
    }
    copy(from, to).await;
    let (before, after) = (all(from, 100).await, all(to, 100).await);
    assert_eq!(before, after);
    let kinds: std::collections::HashSet<_> = before.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 6, "each kind is among them");
    assert!(walk.is_kept_by(to).await);
    for _ in 0..STEPS / 3 {
        walk.step(to).await;
    }
}

/// A chunk whose answer was lost is put again.
pub async fn records_that_are_put_twice_change_nothing<S: Store + Transfer>(from: &S, to: &S) {
    let mut walk = Walk::new(7, 2, STEPS);
    for _ in 0..STEPS / 5 {
        walk.step(from).await;
    }
    copy(from, to).await;
    let once = all(to, 100).await;
    copy(from, to).await;
    assert_eq!(all(to, 100).await, once);
    assert!(walk.is_kept_by(to).await);
}

/// Page borders fall between all kinds of records.
pub async fn pages_of_every_size_hold_each_record_once<S: Store + Transfer>(from: &S, _: &S) {
    let mut walk = Walk::new(7, 3, STEPS);
    for _ in 0..120 {
        walk.step(from).await;
    }
    let whole = all(from, 100_000).await;
    for limit in (1..20).chain([whole.len() as u32, whole.len() as u32 + 1]) {
        assert_eq!(all(from, limit).await, whole, "limit {limit}");
    }
}
