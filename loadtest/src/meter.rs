//! What the tester itself uses: a test is only worth something when it isn't the tester that is slow.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::time::{Duration, Instant};

/// CPU time against wall time, from a start on.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    start: Instant,
    cpu: Option<Duration>,
}

impl Meter {
    pub fn start() -> Self {
        Self { start: Instant::now(), cpu: cpu() }
    }

    /// Wall time since the start.
    pub fn wall(&self) -> Duration {
        self.start.elapsed()
    }

    /// CPU time of this process since the start, over all its threads; `None` where the system doesn't tell.
    pub fn cpu(&self) -> Option<Duration> {
        Some(cpu()?.saturating_sub(self.cpu?))
    }

    /// Cores that this process may use.
    pub fn cores() -> u32 {
        std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
    }
}

fn cpu() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(micros).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_cpu_time() {
        let meter = Meter::start();
        let mut number = 1u64;
        while meter.wall() < Duration::from_millis(60) {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
        let cpu = meter.cpu().unwrap();
        assert!(cpu >= Duration::from_millis(5), "{cpu:?}");
        assert!(Meter::cores() >= 1);
    }
}
