use super::*;
use proptest::prelude::*;

const LAYERS: [u64; 3] = [150, 500, 1_500];

fn ask(speaks: bool, area: u32, steps: &[u64], given: Given) -> Ask {
    Ask { priority: Priority { speaks, area }, steps: steps.into(), full: 0, given }
}

fn purse(bps: u64) -> Purse {
    Purse { now: bps, more: bps, grace: bps }
}

fn cost(asks: &[Ask], steps: &[Option<usize>]) -> u64 {
    asks.iter().zip(steps).filter_map(|(ask, step)| step.map(|step| ask.steps[step])).sum()
}

#[test]
fn layers_go_up_one_by_one_the_speaker_and_the_largest_tile_first() {
    let asks =
        [ask(false, 900, &LAYERS, Given::Step(0)), ask(true, 100, &LAYERS, Given::Step(0)), ask(false, 400, &LAYERS, Given::Step(0))];
    let table: [(u64, [Option<usize>; 3]); 9] = [
        (0, [None, None, None]),
        (150, [None, Some(0), None]),
        (300, [Some(0), Some(0), None]),
        (450, [Some(0), Some(0), Some(0)]),
        (800, [Some(0), Some(1), Some(0)]),
        (1_150, [Some(1), Some(1), Some(0)]),
        (1_500, [Some(1), Some(1), Some(1)]),
        (2_500, [Some(1), Some(2), Some(1)]),
        (4_500, [Some(2), Some(2), Some(2)]),
    ];
    for (bps, steps) in table {
        assert_eq!(allocate(&asks, purse(bps)), steps, "{bps}");
    }
}

#[test]
fn more_needs_proof_but_what_is_there_stays() {
    let asks = [ask(false, 1, &LAYERS, Given::Step(1)), ask(false, 1, &LAYERS, Given::Stalled)];
    let unproven = Purse { now: 3_000, more: 0, grace: 3_000 };
    assert_eq!(allocate(&asks, unproven), [Some(1), None]);
    assert_eq!(allocate(&asks, purse(2_500)), [Some(2), Some(1)]);
}

#[test]
fn a_new_video_starts_low_without_proof() {
    let asks = [ask(false, 1, &LAYERS, Given::New)];
    assert_eq!(allocate(&asks, Purse { now: 600, more: 0, grace: 600 }), [Some(0)]);
}

#[test]
fn a_camera_without_simulcast_may_use_the_grace_but_no_second_layer_may() {
    let asks = [ask(false, 2, &[800], Given::Step(0)), ask(false, 1, &LAYERS, Given::Step(1))];
    assert_eq!(allocate(&asks, Purse { now: 600, more: 600, grace: 1_000 }), [Some(0), Some(0)]);
    assert_eq!(allocate(&asks, purse(600)), [None, Some(1)]);
}

#[test]
fn the_next_step_is_that_of_the_lowest_first_then_of_whoever_comes_first() {
    let asks = [ask(true, 1, &LAYERS, Given::New), ask(false, 1, &LAYERS, Given::New)];
    assert_eq!(next_step(&asks, &[Some(0), None]), Some(150));
    assert_eq!(next_step(&asks, &[Some(0), Some(0)]), Some(350));
    assert_eq!(next_step(&asks, &[Some(1), Some(1)]), Some(1_000));
    assert_eq!(next_step(&asks, &[Some(2), Some(2)]), None);
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let given = prop_oneof![Just(Given::New), Just(Given::Stalled), (0..3usize).prop_map(Given::Step)];
    let steps = proptest::collection::vec(1..2_000u64, 1..4).prop_map(|mut steps| {
        steps.sort_unstable();
        steps
    });
    (any::<bool>(), 0..4u32, steps, given).prop_map(|(speaks, area, steps, given)| ask(speaks, area, &steps, given))
}

proptest! {
    #[test]
    fn what_is_given_never_costs_more_than_there_is(
        asks in proptest::collection::vec(any_ask(), 0..12), now in 0..9_000u64, more in 0..9_000u64, grace in 0..9_000u64,
    ) {
        let purse = Purse { now, more: more.min(now), grace: grace.max(now) };
        let steps = allocate(&asks, purse);
        let cost = cost(&asks, &steps);
        prop_assert!(cost <= purse.grace);
        let lowest_only = steps.iter().flatten().all(|&step| step == 0);
        prop_assert!(cost <= purse.now || lowest_only, "the grace is for the lowest layers");
        for (ask, step) in asks.iter().zip(&steps) {
            prop_assert!(step.is_none_or(|step| step < ask.steps.len()));
        }
        prop_assert_eq!(allocate(&asks, purse), steps, "the same again");
    }

    #[test]
    fn nobody_gets_less_from_more_when_all_have_the_same_layers(
        priorities in proptest::collection::vec((any::<bool>(), 0..5u32), 1..10), bps in 0..12_000u64, further in 0..4_000u64,
    ) {
        let asks: Vec<_> = priorities.iter().map(|&(speaks, area)| ask(speaks, area, &LAYERS, Given::Step(0))).collect();
        let (less, more) = (allocate(&asks, purse(bps)), allocate(&asks, purse(bps + further)));
        for (less, more) in less.iter().zip(&more) {
            prop_assert!(less <= more);
        }
    }

    #[test]
    fn whoever_comes_first_is_never_below_an_equal_that_comes_later(
        priorities in proptest::collection::vec((any::<bool>(), 0..5u32), 2..10), bps in 0..12_000u64,
    ) {
        let asks: Vec<_> = priorities.iter().map(|&(speaks, area)| ask(speaks, area, &LAYERS, Given::Step(0))).collect();
        let steps = allocate(&asks, purse(bps));
        for (a, step_a) in asks.iter().zip(&steps) {
            for (b, step_b) in asks.iter().zip(&steps) {
                prop_assert!(a.priority <= b.priority || step_a >= step_b);
            }
        }
    }
}
