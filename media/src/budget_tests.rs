use super::*;
use crate::allocate::Priority;

const LAYERS: [u64; 3] = [150_000, 500_000, 1_500_000];

/// One simulcast camera and a voice, looked at five times a second.
struct Bench {
    budget: Budget,
    now: Instant,
    steps: Vec<u64>,
    step: Option<usize>,
    started: bool,
    reports: u64,
    /// By the next look.
    delivered_bps: u64,
}

impl Bench {
    fn new(steps: &[u64]) -> Self {
        Self {
            budget: Budget::default(),
            now: Instant::now(),
            steps: steps.into(),
            step: None,
            started: false,
            reports: 0,
            delivered_bps: 0,
        }
    }

    fn look(&mut self, estimate_bps: Option<u64>, loss: f32) -> Plan {
        let given = match (self.started, self.step) {
            (false, _) => Given::New,
            (true, None) => Given::Stalled,
            (true, Some(step)) => Given::Step(step),
        };
        let ask = Ask { priority: Priority { speaks: false, area: 1 }, steps: self.steps.clone(), full: 0, given };
        let video_bps = self.step.map_or(0, |step| self.steps[step]);
        self.now += Duration::from_millis(200);
        self.reports += 1;
        let delivered_bps = std::mem::take(&mut self.delivered_bps);
        let readings = Readings { estimate_bps, delivered_bps, loss_down: Some(loss), reports: self.reports, audio_bps: 40_000, video_bps };
        let plan = self.budget.plan(&readings, &[ask], self.now);
        (self.step, self.started) = (plan.steps[0], true);
        plan
    }

    /// Looks for some seconds, and returns when the step changed, in milliseconds.
    fn run(&mut self, seconds: u64, estimate: u64) -> Vec<(u64, Option<usize>)> {
        let mut changes = vec![];
        for look in 0..seconds * 5 {
            let before = self.step;
            self.look(Some(estimate), 0.0);
            if self.step != before {
                changes.push((look * 200, self.step));
            }
        }
        changes
    }
}

#[test]
fn down_is_at_once_and_up_after_it_held() {
    let mut bench = Bench::new(&LAYERS);
    let rise = bench.run(10, 3_000_000);
    assert_eq!(rise[0], (0, Some(2)), "nothing contradicted the first estimate: {rise:?}");
    assert_eq!(bench.run(5, 560_000), [(0, Some(0))], "500 and 40 kbit/s leave no room for repetitions");
    let back = bench.run(10, 3_000_000);
    assert!(back.last() == Some(&(back[0].0, Some(2))) && (1_000..=2_000).contains(&back[0].0), "{back:?}");
}

#[test]
fn a_rise_that_fails_is_tried_again_later_and_later_but_not_never() {
    let mut bench = Bench::new(&LAYERS);
    bench.run(2, 300_000);
    let mut rises = vec![];
    for look in 0..300u64 {
        // There seems to be room while little is sent, and there is none once more is.
        let estimate = if bench.step >= Some(1) { 300_000 } else { 900_000 };
        let before = bench.step;
        bench.look(Some(estimate), 0.0);
        if bench.step > before {
            rises.push(look * 200);
        }
    }
    let apart: Vec<_> = rises.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(apart.windows(2).all(|pair| pair[1] >= pair[0]) && (4_000..=6_000).contains(apart.last().expect("several")), "{apart:?}");
}

#[test]
fn the_only_layer_plays_on_a_little_above_the_estimate_and_stops_far_above_it_after_a_while() {
    let mut bench = Bench::new(&[600_000]);
    bench.run(5, 1_000_000);
    assert_eq!(bench.run(10, 600_000), [], "a little above");
    assert_eq!(bench.run(10, 500_000), [(4_000, None)]);
    assert_eq!(bench.run(10, 640_000), [], "not proven to fit");
    assert_eq!(bench.run(10, 1_000_000).len(), 1, "back");
    assert_eq!(bench.run(10, 200_000), [(0, None)], "so far above that it stops at once");
}

#[test]
fn a_small_camera_is_not_withheld_for_an_estimate_that_fell_while_little_was_sent() {
    let mut bench = Bench::new(&LAYERS);
    bench.run(5, 600_000);
    assert_eq!(bench.run(20, 140_000), []);
    assert_eq!(bench.run(20, 100_000).len(), 1);
}

#[test]
fn far_too_much_is_cut_without_waiting() {
    let mut bench = Bench::new(&LAYERS);
    bench.run(5, 3_000_000);
    assert!(bench.look(Some(600_000), 0.0).cut);
    assert!(!bench.look(Some(600_000), 0.0).cut);
}

#[test]
fn what_arrives_of_a_lossy_second_counts_before_the_estimate_knows() {
    let mut bench = Bench::new(&LAYERS);
    bench.run(5, 3_000_000);
    let plan = bench.look(Some(3_000_000), 0.7);
    assert_eq!((bench.step, plan.cut), (Some(0), true));
    let mut bench = Bench::new(&LAYERS);
    bench.run(5, 3_000_000);
    for loss in [0.05, 0.19, 0.95] {
        bench.look(Some(3_000_000), loss);
        assert_eq!(bench.step, Some(2), "{loss}");
    }
}

#[test]
fn while_more_is_wanted_the_wish_falls_and_rises_every_few_seconds() {
    let mut bench = Bench::new(&LAYERS);
    bench.run(5, 300_000);
    let wishes: Vec<_> = (0..100).map(|_| bench.look(Some(300_000), 0.0).desired_bps).collect();
    let rises = wishes.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!((5..=7).contains(&rises), "{rises} in 20 s");
    assert!(wishes.iter().all(|&wish| wish < 750_000), "one step at a time");
}

#[test]
fn a_path_that_is_not_measured_gets_all_until_it_loses_much_for_a_while() {
    let mut bench = Bench::new(&LAYERS);
    bench.look(None, 0.0);
    assert_eq!(bench.step, Some(2));
    for _ in 0..3 {
        bench.look(None, 0.5);
        assert_eq!(bench.step, Some(2), "a bad second may be chance");
    }
    bench.look(None, 0.2);
    assert_eq!(bench.step, Some(1));
    (0..60).for_each(|_| drop(bench.look(None, 0.0)));
    assert_eq!(bench.step, Some(2));
}

#[test]
fn a_camera_that_arrives_is_not_withheld_because_the_estimate_is_slow_to_rise() {
    for (delivered, shown) in [(1_500_000, Some(0)), (0, None)] {
        let mut bench = Bench::new(&[1_500_000]);
        for _ in 0..60 {
            bench.delivered_bps = delivered;
            bench.look(Some(400_000), 0.0);
        }
        assert_eq!(bench.step, shown, "{delivered} bit/s arrive");
    }
}

#[test]
fn whoever_waited_alone_is_given_a_start_all_the_same() {
    let mut bench = Bench::new(&[1_500_000]);
    for _ in 0..100 {
        bench.now += Duration::from_millis(200);
        bench.budget.plan(&Readings { estimate_bps: Some(400_000), ..Readings::default() }, &[], bench.now);
    }
    bench.look(Some(400_000), 0.0);
    assert_eq!(bench.step, Some(0));
}
