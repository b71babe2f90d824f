//! The report as one HTML file: no request leaves it, it follows the reader's light or dark, and it fits a phone.
//!
//! Everything that came from outside (names, error messages) is escaped. It computes nothing that [`Outcome`] doesn't have.

use crate::chart::{Chart, Series, Style, escape};
use crate::histogram::Histogram;
use crate::outcome::{Outcome, Tester};
use crate::report::{headline, loss, millis, times};
use crate::settings::SettingError;
use crate::tally::Second;
use crate::threshold::{FIGURES, Figure, Verdict, rounded};
use std::fmt::Write as _;

/// Points of a line at most: a long run's seconds are put together.
const POINTS_MAX: usize = 600;
/// Bars of a distribution at most.
const BARS_MAX: usize = 60;
/// The figures on top.
const TILES: &[(&str, &str)] = &[
    ("join_p95_ms", "join until media, p95"),
    ("first_frame_p95_ms", "first frame, p95"),
    ("latency_p50_ms", "packet latency, p50"),
    ("latency_p99_ms", "packet latency, p99"),
    ("loss_percent", "packets lost"),
    ("freezes", "freezes"),
    ("chat_p99_ms", "chat delivered, p99"),
    ("reconnects", "connections lost"),
    ("errors", "errors"),
    ("tester_cpu_percent", "tester's CPU"),
];
const GLOSSARY: &[(&str, &str)] = &[
    ("Join", "From opening the TCP connection to the media transport being up: what a person waits for after a click."),
    (
        "First packet, first frame",
        "From the same start to the first packet and the first frame of somebody else that could be shown; of people who found somebody in the room.",
    ),
    (
        "Packet latency",
        "From the sender's call to send a packet to the receiver's program having it, both in the tester: server, network and both clients' stacks together. Both ends read one clock.",
    ),
    (
        "Lost",
        "Of the packets that the senders numbered, those that a receiver never got, also not by retransmission. What the server leaves out on purpose, when it changes the layer or says that it pauses, is not lost.",
    ),
    (
        "Freeze",
        "A time without a new video frame that a decoder could show, longer than 400 ms and than three frames take. A frame counts when it is complete and all frames since a key frame came.",
    ),
    (
        "Chat",
        "Stored: from sending a message to the server's acknowledgement. Delivered: to its arrival at somebody else. Missed: numbers left out in the order that a connected person saw.",
    ),
    ("Connections", "Cut: by the scenario. Lost: by anybody else. Resumed: the same seat went on; joined anew: the seat was gone."),
    ("Tester", "The CPU that the load test itself used, and how late its timers fired. When it is busy, times and losses can be its own."),
];

/// The whole page.
///
/// # Errors
/// [`SettingError`] when the outcome's scenario isn't one.
pub fn page(outcome: &Outcome) -> Result<String, SettingError> {
    let verdicts = outcome.verdicts()?;
    let scenario = outcome.scenario()?;
    let passed = verdicts.iter().all(Verdict::holds);
    let mut html = String::new();
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Load test: {}</title>\n<style>\n{}</style>\n\
         </head>\n<body>\n<main>\n",
        escape(&scenario.name),
        include_str!("html/page.css")
    );
    head(&mut html, outcome, &scenario.name, passed);
    tiles(&mut html, outcome, &verdicts);
    section(&mut html, "Limits", &limits(&verdicts));
    section(&mut html, "Over time", &charts(&over_time(outcome)));
    section(&mut html, "How long things took", &format!("{}{}", charts(&distributions(outcome)), times_table(outcome)));
    section(&mut html, "What was counted", &counts(outcome));
    if !outcome.tally.errors.is_empty() {
        section(&mut html, "Errors", &errors(outcome));
    }
    section(&mut html, "The tester", &testers(&outcome.testers));
    html.push_str("<h2>How it is measured</h2>\n<details><summary>What the words mean</summary>\n<dl>\n");
    for (word, meaning) in GLOSSARY {
        let _ = writeln!(html, "<dt>{word}</dt><dd>{meaning}</dd>");
    }
    let _ = write!(
        html,
        "</dl>\n</details>\n<details><summary>The scenario, to run it again</summary>\n<pre>{}</pre>\n</details>\n\
         <p class=\"soft\">zzan-loadtest {}</p>\n</main>\n<script>\n{}</script>\n</body>\n</html>\n",
        escape(&scenario.to_toml()),
        escape(&outcome.version),
        include_str!("html/page.js")
    );
    Ok(html)
}

fn section(html: &mut String, title: &str, body: &str) {
    if body.is_empty() {
        return;
    }
    let _ = write!(html, "<h2>{title}</h2>\n{body}");
}

fn head(html: &mut String, outcome: &Outcome, name: &str, passed: bool) {
    let (class, word) = if passed { ("good", "✓ PASSED") } else { ("bad", "✗ FAILED") };
    let _ = write!(
        html,
        "<div class=\"head\"><h1>Load test: {}</h1><span class=\"badge {class}\">{word}</span></div>\n<p>{}</p>\n\
         <p class=\"soft\">Against {}, begun {} UTC, run {}</p>\n",
        escape(name),
        escape(&headline(outcome)),
        escape(&outcome.target),
        utc(outcome.started_unix_ms),
        escape(&outcome.run)
    );
    list(html, "warn", "Mind this", &outcome.warnings());
    list(html, "bad", "Tracks that went wrong, for example", &outcome.checks.examples);
}

fn list(html: &mut String, class: &str, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = write!(html, "<div class=\"box {class}\"><b>{title}</b><ul>");
    for item in items {
        let _ = write!(html, "<li>{}</li>", escape(item));
    }
    html.push_str("</ul></div>\n");
}

fn tiles(html: &mut String, outcome: &Outcome, verdicts: &[Verdict]) {
    let people = outcome.tally.people;
    html.push_str("<h2>At a glance</h2>\n<div class=\"tiles\">\n");
    let over = if people.joined < people.expected { " over" } else { "" };
    let _ = writeln!(html, "<div class=\"tile{over}\"><b>{} / {}</b><span>people joined</span></div>", people.joined, people.expected);
    for (key, words) in TILES {
        let Some(figure) = FIGURES.iter().find(|figure| figure.key == *key) else { continue };
        let missed = verdicts.iter().any(|verdict| verdict.figure().key == *key && !verdict.holds());
        let over = if missed { " over" } else { "" };
        let _ = writeln!(html, "<div class=\"tile{over}\"><b>{}</b><span>{words}</span></div>", shown(figure, figure.value(outcome)));
    }
    html.push_str("</div>\n");
}

/// A figure's value with its unit.
fn shown(figure: &Figure, value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let places = if value >= 100.0 || figure.unit.is_empty() {
        0
    } else if value >= 10.0 || figure.unit == "ms" {
        1
    } else {
        2
    };
    let space = if figure.unit.is_empty() { "" } else { " " };
    format!("{value:.places$}{space}{}", figure.unit)
}

fn limits(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let (class, word) = if verdict.holds() { ("good", "✓ holds") } else { ("bad", "✗ missed") };
        let figure = verdict.figure();
        let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
        vec![
            escape(figure.label),
            verdict.value.map_or_else(|| "not measured".to_owned(), |value| format!("{}{unit}", rounded(value))),
            format!("{}{unit}", verdict.limit),
            format!("<span class=\"mark {class}\">{word}</span>"),
        ]
    });
    table(&["figure", "measured", "at most", ""], rows)
}

/// A table of cells that are HTML already; nothing without rows.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return String::new();
    }
    let mut html = "<div class=\"table\"><table><thead><tr>".to_owned();
    for cell in head {
        let _ = write!(html, "<th>{cell}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        let _ = writeln!(html, "<tr>{}</tr>", row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>());
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// Those that have values, beside each other.
fn charts(charts: &[Chart]) -> String {
    let drawn: String = charts.iter().map(Chart::html).collect();
    if drawn.is_empty() { drawn } else { format!("<div class=\"charts\">\n{drawn}</div>\n") }
}

fn over_time(outcome: &Outcome) -> Vec<Chart> {
    let seconds = &outcome.tally.series;
    let each = seconds.len().div_ceil(POINTS_MAX).max(1);
    let points: Vec<(Second, f64)> = seconds.chunks(each).map(together).collect();
    let places: Vec<String> = (0..points.len()).map(|point| time(point * each)).collect();
    let ticks: Vec<String> = (0..=4).map(|tick| time(seconds.len() * tick / 4)).collect();
    let chart = |title, note: &str, unit, style, series| Chart {
        title,
        note: note.to_owned(),
        unit,
        style,
        series,
        places: places.clone(),
        ticks: ticks.clone(),
    };
    let series = |label, value: &dyn Fn(&Second, f64) -> Option<f64>| Series {
        label,
        values: points.iter().map(|(second, length)| value(second, *length)).collect(),
    };
    let mut inside = 0;
    let people = points.iter().map(|(second, _)| {
        inside += second.joined;
        Some(inside as f64)
    });
    let people = Series { label: "people", values: people.collect() };
    let megabits = |bytes: u64, length: f64| Some(bytes as f64 * 8.0 / 1e6 / length);
    let latency = |percent: f64| move |second: &Second, _| second.latency.percentile(percent).map(|us| us as f64 / 1_000.0);
    vec![
        chart("People in rooms", "At the end of each second", "people", Style::Lines, vec![people]),
        chart(
            "Media",
            "RTP payload of all senders and all receivers",
            "Mbit/s",
            Style::Lines,
            vec![
                series("received", &|second, length| megabits(second.received_bytes, length)),
                series("sent", &|second, length| megabits(second.sent_bytes, length)),
            ],
        ),
        chart(
            "Packet latency",
            "Sender's program to receiver's program",
            "ms",
            Style::Lines,
            vec![series("p50", &latency(50.0)), series("p99", &latency(99.0))],
        ),
        chart("Packets lost", "Not mended within the second", "%", Style::Lines, vec![series("lost", &|second, _| second.loss_percent())]),
        chart(
            "Errors and reconnects",
            "In each second",
            "",
            Style::Bars,
            vec![
                series("reconnects", &|second, _| Some(second.reconnects as f64)),
                series("errors", &|second, _| Some(second.errors as f64)),
            ],
        ),
    ]
}

/// Some seconds as one, and how many they were.
fn together(seconds: &[Second]) -> (Second, f64) {
    let mut sum = Second::default();
    seconds.iter().for_each(|second| sum.merge(second));
    (sum, seconds.len() as f64)
}

fn distributions(outcome: &Outcome) -> Vec<Chart> {
    let times = &outcome.tally.times;
    let media = times.media();
    let charts = [
        ("Join until media is up", "joins", &times.join),
        ("Join until the first frame", "joins", &times.first_frame),
        ("Packet latency", "packets", &media),
        ("Chat until delivered", "messages", &times.chat_delivery),
    ];
    charts.into_iter().filter(|(.., times)| !times.is_empty()).map(|(title, unit, times)| distribution(title, unit, times)).collect()
}

/// How many took how long, on a scale on which each bar is the same factor longer; the slowest thousandth shares the last bar.
fn distribution(title: &'static str, unit: &'static str, times: &Histogram) -> Chart {
    let last = times.percentile(99.9).unwrap_or(u64::MAX);
    let mut bars: Vec<(u64, u64)> = Vec::new();
    for (value, count) in times.all_from_first_to_last() {
        match bars.last_mut() {
            Some((_, counted)) if value > last => *counted += count,
            _ => bars.push((value, count)),
        }
    }
    let each = bars.len().div_ceil(BARS_MAX).max(1);
    let bars: Vec<(u64, u64)> =
        bars.chunks(each).filter_map(|bars| Some((bars.last()?.0, bars.iter().map(|(_, count)| count).sum()))).collect();
    let place = |value: u64| format!("{} ms", rounded(value as f64 / 1_000.0));
    let ticks = bars.len().min(5);
    let tick = |tick: usize| bars.get((bars.len() - 1) * tick / (ticks - 1).max(1)).map_or_else(String::new, |(value, _)| short(*value));
    Chart {
        title,
        note: format!("p50 {} ms, p95 {} ms, p99 {} ms", millis(times, 50.0), millis(times, 95.0), millis(times, 99.0)),
        unit,
        style: Style::Bars,
        places: bars.iter().map(|(value, _)| format!("up to {}", place(*value))).collect(),
        ticks: (0..ticks).map(tick).collect(),
        series: vec![Series { label: unit, values: bars.iter().map(|(_, count)| Some(*count as f64)).collect() }],
    }
}

/// Microseconds for the foot of a chart.
fn short(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

fn times_table(outcome: &Outcome) -> String {
    let rows = times(outcome).into_iter().filter(|(_, times)| !times.is_empty()).map(|(label, times)| {
        let cells = [50.0, 95.0, 99.0, 100.0].map(|percent| millis(times, percent));
        [escape(label), times.len().to_string()].into_iter().chain(cells).collect()
    });
    table(&["milliseconds", "count", "p50", "p95", "p99", "max"], rows)
}

fn counts(outcome: &Outcome) -> String {
    let tally = &outcome.tally;
    let packets = [("audio", tally.audio), ("video", tally.video)].into_iter().filter(|(_, packets)| packets.sent > 0);
    let packets = packets.map(|(label, packets)| {
        let counts = [packets.sent, packets.received, packets.lost()].map(|count| count.to_string());
        [label.to_owned()].into_iter().chain(counts).chain([loss(packets)]).collect()
    });
    let mut html = table(&["packets", "sent", "received", "lost", "loss"], packets);
    let (people, chat, connections, watching) = (tally.people, tally.chat, tally.connections, tally.watching);
    let seconds = |us: u64| format!("{:.1} s", us as f64 / 1e6);
    let rows = [
        ("joins, with those who came back", people.joins.to_string()),
        ("leaves on purpose, of them without a word", format!("{}, {}", people.leaves, people.abrupt)),
        ("tracks that had to arrive, of them missing", format!("{}, {}", outcome.checks.expected_tracks, outcome.checks.missing_tracks)),
        ("video frames shown", watching.frames.to_string()),
        (
            "freezes, and their time of all watched",
            format!("{}, {} of {}", watching.freezes, seconds(watching.frozen_us), seconds(watching.watched_us)),
        ),
        (
            "key frames asked for by receivers, by the server",
            format!("{}, {}", tally.video.key_frames_asked, tally.video.key_frame_requests),
        ),
        ("chat messages sent, stored, delivered, missed", format!("{}, {}, {}, {}", chat.sent, chat.acked, chat.delivered, chat.missed)),
        ("connections cut, lost", format!("{}, {}", connections.cut, connections.lost)),
        ("connections resumed, joined anew", format!("{}, {}", connections.resumed, connections.rejoined)),
        ("media transports made anew", connections.media.to_string()),
        ("changes of who speaks, told to anybody", tally.speaker_changes.to_string()),
    ];
    html.push_str(&table(&["what", "how many"], rows.into_iter().map(|(what, count)| vec![what.to_owned(), count])));
    html
}

fn errors(outcome: &Outcome) -> String {
    let mut html =
        "<div class=\"table\"><table><thead><tr><th>code</th><th>count</th><th class=\"words\">the first one's words</th></tr></thead><tbody>\n".to_owned();
    for (code, errors) in &outcome.tally.errors {
        let (code, message) = (escape(code), escape(&errors.message));
        let _ = writeln!(html, "<tr><td>{code}</td><td>{}</td><td class=\"words\">{message}</td></tr>", errors.count);
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn testers(testers: &[Tester]) -> String {
    let rows = testers.iter().map(|tester| {
        vec![
            tester.shard.to_string(),
            tester.cores.to_string(),
            tester.cpu_percent().map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0} %")),
            tester.lag_ms().map_or_else(|| "–".to_owned(), |lag| format!("{lag:.1} ms")),
            time(usize::try_from(tester.wall_ms / 1_000).unwrap_or(usize::MAX)),
        ]
    });
    table(&["process", "cores", "CPU used of them", "late, p99", "lasted"], rows)
}

/// Seconds for people.
fn time(seconds: usize) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{}:{:02} min", seconds / 60, seconds % 60) }
}

/// Date and time of day, by the civil-calendar algorithm of Howard Hinnant ("chrono-compatible low-level date algorithms").
fn utc(unix_ms: u64) -> String {
    let (days, second) = (unix_ms / 86_400_000, unix_ms / 1_000 % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
#[path = "html_test.rs"]
mod tests;
