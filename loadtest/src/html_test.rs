//! The page as a browser would read it: well-formed, complete, and silent.

use super::*;
use crate::outcome::Shard;
use crate::scenario::Scenario;
use crate::tally::{Arrival, People};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

fn outcome() -> Outcome {
    let mut outcome = Outcome::of(&Scenario::default(), "r<1>", "http://127.0.0.1:8080");
    outcome.started_unix_ms = 1_795_000_000_000;
    outcome.tally.people = People { expected: 4, joined: 4, joins: 5, ..People::default() };
    for second in 0..30 {
        let arrival = Arrival { at_us: second * 1_000_000, latency_us: 700 + second, bytes: 1_000, expected: 1, fresh: true };
        outcome.tally.arrived(RtpCodecKind::Video, arrival);
        outcome.tally.sent(RtpCodecKind::Video, second * 1_000_000, 1_000);
        outcome.tally.times.join.record(100_000 + second * 5_000);
    }
    outcome.tally.second(0).joined = 4;
    outcome.tally.error(3_000_000, "<script>", "alert('x') & \"more\"");
    outcome.testers = vec![Tester { shard: Shard::WHOLE, cores: 2, wall_ms: 30_000, cpu_ms: Some(6_000), lag: Histogram::default() }];
    outcome
}

/// Follows the tags; panics where one is not closed in order.
fn assert_well_formed(html: &str) {
    const VOID: &[&str] = &["meta", "path", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap_or_else(|| panic!("a tag without an end: {}", &rest[..rest.len().min(80)]));
        let tag = &rest[..end];
        assert!(!tag.contains('<'), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of {tag}");
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "after {open:?}");
        } else if matches!(name, "script" | "style") {
            // Their text is not HTML, and ends at their own end alone.
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).unwrap() + close.len()..];
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn the_page_is_well_formed_with_and_without_measurements() {
    assert_well_formed(&page(&outcome()).unwrap());
    let empty = Outcome::of(&Scenario::default(), "r", "t");
    assert_well_formed(&page(&empty).unwrap());
}

#[test]
fn the_page_has_the_figures_the_charts_and_the_scenario() {
    let html = page(&outcome()).unwrap();
    for part in [
        "<b>4 / 4</b>",
        "✗ FAILED",
        "At a glance",
        "People in rooms",
        "Packet latency",
        "up to ",
        "join until media is up",
        "begun 2026-11-18 11:06:40 UTC",
        "per_minute = 6",
        "10 % ",
        "http://127.0.0.1:8080",
    ] {
        assert!(html.contains(part) || html.replace("</td>", " ").contains(part), "{part}");
    }
    assert_eq!(html.matches("<svg").count(), 7, "five over time, two distributions");
    assert!(!html.contains("NaN") && !html.contains("inf "), "nothing was divided by nothing");
}

#[test]
fn a_run_that_passed_says_so() {
    let mut outcome = outcome();
    outcome.tally.errors.clear();
    assert!(page(&outcome).unwrap().contains("✓ PASSED"));
}

#[test]
fn nothing_from_outside_is_taken_for_html() {
    let html = page(&outcome()).unwrap();
    assert!(html.contains("run r&lt;1&gt;") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("alert('x')"));
    assert_eq!(html.matches("<script>").count(), 1, "the page's own");
}

#[test]
fn nothing_is_fetched() {
    let html = page(&outcome()).unwrap();
    for word in ["src=", "href=", "url(", "@import", "fetch(", "XMLHttp", "import(", "https://"] {
        assert!(!html.contains(word), "{word}");
    }
}

#[test]
fn a_long_run_has_no_more_points_than_can_be_seen() {
    let mut outcome = outcome();
    outcome.tally.second(3_599_000_000).errors += 1;
    for chart in over_time(&outcome) {
        assert!(chart.series.iter().all(|series| series.values.len() == POINTS_MAX), "{}", chart.title);
    }
    assert!(page(&outcome).unwrap().len() < 500_000);
}

#[test]
fn dates_are_right_at_their_edges() {
    let cases = [(0, "1970-01-01 00:00:00"), (951_782_399_999, "2000-02-28 23:59:59"), (951_782_400_000, "2000-02-29 00:00:00")];
    for (unix_ms, shown) in cases {
        assert_eq!(utc(unix_ms), shown);
    }
}
