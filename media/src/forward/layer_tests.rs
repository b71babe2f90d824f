use super::*;
use crate::payload::Frame;

fn at(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn observe(layers: &mut Layers, rid: &str, bytes: usize, size: Option<(u16, u16)>, now: Instant) -> Option<Observed> {
    let frame = Frame { starts_decoding: size.is_some(), size };
    layers.observe_facts(Some(rid.into()), &Facts { bytes, clock: None }, frame, now)
}

fn three() -> (Instant, Layers) {
    let (start, mut layers) = (Instant::now(), Layers::default());
    for (rid, size) in [("f", (1280, 720)), ("q", (320, 180)), ("h", (640, 360))] {
        observe(&mut layers, rid, 100, Some(size), start);
    }
    (start, layers)
}

fn rids(layers: &Layers) -> Vec<String> {
    layers.low_to_high().iter().map(|&index| layers.layer(index).rid.expect("named").to_string()).collect()
}

fn fitting(layers: &Layers, tile: Option<(u16, u16)>) -> String {
    layers.layer(layers.fitting(tile).expect("a layer")).rid.expect("named").to_string()
}

#[test]
fn layers_are_ordered_by_size_else_by_name_else_by_bitrate() {
    let (_, layers) = three();
    assert_eq!(rids(&layers), ["q", "h", "f"]);
    let (start, mut layers) = (Instant::now(), Layers::default());
    for rid in ["f", "q", "h"] {
        observe(&mut layers, rid, 100, None, start);
    }
    assert_eq!(rids(&layers), ["q", "h", "f"]);
    let mut layers = Layers::default();
    for ms in 0..100 {
        observe(&mut layers, "big", 900, None, at(start, ms * 10));
        observe(&mut layers, "small", 100, None, at(start, ms * 10));
    }
    layers.measure(at(start, 1000));
    assert_eq!(rids(&layers), ["small", "big"]);
    for ms in 100..300 {
        observe(&mut layers, "big", 100, None, at(start, ms * 10));
        observe(&mut layers, "small", 105, None, at(start, ms * 10));
        layers.measure(at(start, ms * 10));
        assert_eq!(rids(&layers), ["small", "big"], "about the same is no reason to change places");
    }
}

#[test]
fn a_tile_gets_the_lowest_layer_that_is_sharp_on_it() {
    let (_, layers) = three();
    let table = [
        (Some((160, 90)), "q"),
        (Some((320, 180)), "q"),
        (Some((400, 225)), "q"),
        (Some((410, 231)), "h"),
        (Some((180, 320)), "q"),
        (Some((800, 450)), "h"),
        (Some((1000, 180)), "q"),
        (Some((1920, 1080)), "f"),
        (None, "f"),
    ];
    for (tile, rid) in table {
        assert_eq!(fitting(&layers, tile), rid, "{tile:?}");
    }
}

#[test]
fn layers_without_known_sizes_are_taken_for_halves_of_each_other() {
    let (start, mut layers) = (Instant::now(), Layers::default());
    for rid in ["q", "h", "f"] {
        observe(&mut layers, rid, 100, None, start);
    }
    for (tile, rid) in [((320, 180), "q"), ((640, 360), "h"), ((1280, 720), "f"), ((3840, 2160), "f")] {
        assert_eq!(fitting(&layers, Some(tile)), rid, "{tile:?}");
    }
}

#[test]
fn a_silent_layer_gives_way_but_a_slow_track_has_no_silent_layers() {
    let (start, mut layers) = three();
    let [q, h, f] = [1, 2, 0];
    for ms in (0..3000).step_by(50) {
        observe(&mut layers, "q", 100, None, at(start, ms));
        observe(&mut layers, "h", 100, None, at(start, ms));
    }
    assert!(!layers.flows(f) && layers.flows(h));
    assert_eq!(layers.flowing_up_to(f), Some(h));
    for ms in (3000..6000).step_by(50) {
        observe(&mut layers, "f", 100, None, at(start, ms));
    }
    assert_eq!(layers.flowing_up_to(q), Some(f), "better too much than nothing");
    let (start, mut slow) = three();
    for second in 1..10 {
        for (n, rid) in ["q", "h", "f"].into_iter().enumerate() {
            observe(&mut slow, rid, 100, None, at(start, second * 2000 + n as u64 * 10));
        }
        assert_eq!(slow.flowing_up_to(f), Some(f));
    }
}

#[test]
fn what_was_not_seen_is_useful_until_something_sharp_was_seen() {
    let (start, mut layers) = (Instant::now(), Layers::default());
    ["q", "h", "f"].iter().for_each(|&rid| layers.announce(rid.into()));
    let useful = |layers: &Layers, tile| {
        let mut useful = vec![];
        layers.useful(tile, &mut useful);
        useful.sort_unstable();
        useful.dedup();
        useful.into_iter().map(|index| layers.layer(index).rid.expect("named").to_string()).collect::<Vec<_>>()
    };
    assert_eq!(useful(&layers, Some((100, 100))), ["q", "h", "f"]);
    observe(&mut layers, "q", 100, Some((320, 180)), start);
    assert_eq!(useful(&layers, Some((320, 180))), ["q"]);
    assert_eq!(useful(&layers, Some((640, 360))), ["q", "h", "f"]);
    observe(&mut layers, "h", 100, Some((640, 360)), start);
    observe(&mut layers, "f", 100, Some((1280, 720)), start);
    assert_eq!(useful(&layers, Some((640, 360))), ["h"]);
    assert_eq!(useful(&layers, None), ["f"]);
}

#[test]
fn layers_beyond_the_limit_are_refused() {
    let (start, mut layers) = (Instant::now(), Layers::default());
    let taken = (0..20).filter(|n| observe(&mut layers, &format!("r{n}"), 100, None, start).is_some()).count();
    assert_eq!(taken, LAYERS_PER_TRACK);
}

#[test]
fn the_planned_bitrate_rises_at_once_and_falls_slowly() {
    let (start, mut layers) = (Instant::now(), Layers::default());
    let mut feed = |ms: std::ops::Range<u64>, bytes| {
        for ms in ms.step_by(10) {
            observe(&mut layers, "q", bytes, None, at(start, ms));
            if ms % 200 == 0 {
                layers.measure(at(start, ms));
            }
        }
        layers.planned_bps(0)
    };
    assert!((380_000..420_000).contains(&feed(0..2000, 500)));
    assert!((760_000..840_000).contains(&feed(2000..4000, 1000)));
    assert!((450_000..700_000).contains(&feed(4000..5600, 100)), "not yet forgotten");
    assert!(feed(5600..30_000, 100) < 90_000);
}
