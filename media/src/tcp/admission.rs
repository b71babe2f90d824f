//! How many TCP connections there are, by address, and how many of them proved nothing yet.
//!
//! Invariant: each [`Admitted`] is counted until it is dropped.

use crate::demux::network;
use crate::limits::{TCP_CONNECTIONS_MAX, TCP_PER_ADDRESS, TCP_STRANGERS_MAX, TCP_STRANGERS_PER_ADDRESS};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Clone, Default)]
pub(crate) struct Admission(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: Count,
    by_address: HashMap<IpAddr, Count>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    connections: usize,
    strangers: usize,
}

/// A place for one connection.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Admission,
    address: IpAddr,
    is_stranger: bool,
}

impl Admission {
    /// A place for another connection from there, if there is one. It is a stranger's until it proves whose it is.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Admitted> {
        let address = network(address);
        self.with(|Counts { all, by_address }| {
            let here = by_address.get(&address).copied().unwrap_or_default();
            let fits = all.connections < TCP_CONNECTIONS_MAX
                && all.strangers < TCP_STRANGERS_MAX
                && here.connections < TCP_PER_ADDRESS
                && here.strangers < TCP_STRANGERS_PER_ADDRESS;
            if !fits {
                return None;
            }
            for count in [all, by_address.entry(address).or_default()] {
                count.connections += 1;
                count.strangers += 1;
            }
            Some(Admitted { admission: self.clone(), address, is_stranger: true })
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Admitted {
    /// The connection is a peer's.
    pub(crate) fn prove(&mut self) {
        if std::mem::take(&mut self.is_stranger) {
            self.count(|count| count.strangers -= 1);
        }
    }

    fn count(&self, change: impl Fn(&mut Count)) {
        self.admission.with(|Counts { all, by_address }| {
            change(all);
            if let Some(here) = by_address.get_mut(&self.address) {
                change(here);
                if here.connections == 0 {
                    by_address.remove(&self.address);
                }
            }
        });
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let strangers = usize::from(self.is_stranger);
        self.count(|count| {
            count.connections -= 1;
            count.strangers -= strangers;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_few_per_address_and_leave_nothing_behind() {
        let admission = Admission::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut held: Vec<_> = std::iter::from_fn(|| admission.admit(one)).collect();
        assert_eq!(held.len(), TCP_STRANGERS_PER_ADDRESS);
        assert!(admission.admit(other).is_some());
        held[0].prove();
        held[0].prove();
        held.extend(admission.admit(one));
        assert_eq!(held.len(), TCP_STRANGERS_PER_ADDRESS + 1);
        while let Some(mut more) = admission.admit(one).or_else(|| {
            held.iter_mut().find(|place| place.is_stranger).and_then(|place| {
                place.prove();
                admission.admit(one)
            })
        }) {
            more.prove();
            held.push(more);
        }
        assert_eq!(held.len(), TCP_PER_ADDRESS);
        drop(held);
        let counts = admission.0.lock().expect("not poisoned");
        assert_eq!((counts.all.connections, counts.all.strangers, counts.by_address.len()), (0, 0, 0));
    }
    #[test]
    fn one_ipv6_network_is_one_address() {
        let admission = Admission::default();
        let from = |network: u16, host: u16| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]);
        let held: Vec<_> = (0..1000).filter_map(|host| admission.admit(from(0, host))).collect();
        assert_eq!(held.len(), TCP_STRANGERS_PER_ADDRESS);
        assert!(admission.admit(from(1, 0)).is_some());
    }
}
