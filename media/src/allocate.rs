//! How one subscriber's bandwidth is shared among the videos it receives.
//!
//! A pure function of one moment; what changes over time (patience, holding back) is in `budget`. Audio isn't shared out: it is taken off
//! before. Invariant: what is given costs no more than the budget, but for the lowest layers that already play, which may use the grace.

/// One video that the subscriber could receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) priority: Priority,
    /// The bitrates of its layers in bit/s, low to high, up to the one that fits its tile. Never empty.
    pub(crate) steps: Vec<u64>,
    /// The bitrate of its highest layer, whatever its tile.
    pub(crate) full: u64,
    pub(crate) given: Given,
}

/// Who comes first. Compared field by field: the larger goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority {
    /// Its publisher is the active speaker.
    pub(crate) speaks: bool,
    /// The tile in pixels.
    pub(crate) area: u32,
}

/// What a video had so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is new: its lowest layer is tried without proof that there is room.
    New,
    /// It was withheld.
    Stalled,
    /// It has this step.
    Step(usize),
}

/// What there is, in bit/s, after audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purse {
    /// For what is there already.
    pub(crate) now: u64,
    /// For anything more than that. At most `now`.
    pub(crate) more: u64,
    /// For the lowest layers that play. At least `now`: a camera without simulcast has no lower one, and to stop it is the last resort.
    pub(crate) grace: u64,
}

/// Gives each ask a step, or nothing: first the lowest step to everyone, then step by step to those who come first.
pub(crate) fn allocate(asks: &[Ask], purse: Purse) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..asks.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(asks[index].priority));
    let mut steps = vec![None; asks.len()];
    let mut spent = 0;
    for &index in &order {
        let limit = match asks[index].given {
            Given::Step(_) | Given::New => purse.grace,
            Given::Stalled => purse.more,
        };
        let cost = asks[index].steps[0];
        if spent + cost <= limit {
            spent += cost;
            steps[index] = Some(0);
        }
    }
    let highest = asks.iter().map(|ask| ask.steps.len()).max().unwrap_or(0);
    for step in 1..highest {
        for &index in &order {
            let ask = &asks[index];
            let (Some(&cost), Some(below)) = (ask.steps.get(step), steps[index]) else { continue };
            let had = matches!(ask.given, Given::Step(given) if given >= step);
            let limit = if had { purse.now } else { purse.more };
            let dearer = cost.saturating_sub(ask.steps[below]);
            if below + 1 == step && spent + dearer <= limit {
                spent += dearer;
                steps[index] = Some(step);
            }
        }
    }
    steps
}

/// What one more step would cost whoever is next to get one, on top of what is given. None when all have all.
pub(crate) fn next_step(asks: &[Ask], steps: &[Option<usize>]) -> Option<u64> {
    let missing = asks.iter().zip(steps).filter_map(|(ask, step)| {
        let (next, has) = step.map_or((0, 0), |step| (step + 1, ask.steps[step]));
        Some((std::cmp::Reverse(next), ask.priority, ask.steps.get(next)?.saturating_sub(has)))
    });
    missing.max_by_key(|&(next, priority, _)| (next, priority)).map(|(_, _, cost)| cost)
}

#[cfg(test)]
#[path = "allocate_tests.rs"]
mod tests;
