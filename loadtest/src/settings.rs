//! The keys of a scenario: one list, with what each allows, for the file, the flags, `--print-scenario` and the report alike.
//!
//! Every value arrives as text and is either taken or refused with its key, itself and what is allowed; nothing is clamped in silence.

use crate::scenario::{DURATION_MAX, PACKET_BYTES_MAX, PACKET_BYTES_MIN, PEOPLE_MAX, RoomKind, Scenario};
use crate::threshold::{self, Thresholds};
use std::fmt;
use std::time::Duration;

/// Keys of this table are figures of the report; see [`threshold`].
const THRESHOLDS: &str = "thresholds.";
/// How alike two words must be, 0 – 1, for one to be offered for the other.
const ALIKE: f64 = 0.75;

/// One key of a scenario.
pub struct Setting {
    /// As in the file; a dot separates the table from the name in it.
    pub key: &'static str,
    /// For error messages and the document.
    pub allowed: &'static str,
    read: fn(&Scenario) -> String,
    /// False when the value isn't allowed.
    write: fn(&mut Scenario, &str) -> bool,
}

/// Why a setting was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("{origin}: unknown key {key:?}{hint}", hint = suggestion(.key))]
    Key { origin: String, key: String },
    #[error("{origin}: {key} = {value:?}: allowed are {allowed}")]
    Value { origin: String, key: String, value: String, allowed: String },
    #[error("{origin}: {reason}")]
    Syntax { origin: String, reason: String },
}

macro_rules! setting {
    ($key:literal, $allowed:literal, $($place:ident).+, $parse:expr, $show:expr) => {
        Setting {
            key: $key,
            allowed: $allowed,
            read: |scenario| $show(&scenario.$($place).+),
            write: |scenario, text| {
                let parse: fn(&str) -> Option<_> = $parse;
                parse(text).map(|value| scenario.$($place).+ = value).is_some()
            },
        }
    };
}

/// All keys but the thresholds', in the order of the file.
pub static SETTINGS: &[Setting] = &[
    setting!("name", "1 to 64 characters", name, name, String::clone),
    setting!("seed", "whole numbers", seed, |text| text.parse().ok(), u64::to_string),
    setting!("rooms", "1 to 1000", rooms, |text| whole(text, 1, 1_000), u32::to_string),
    setting!("kind", "buddy and voice", kind, room_kind, show_kind),
    setting!("people", "2 to 50", people, |text| whole(text, 2, PEOPLE_MAX), u32::to_string),
    setting!("duration", "1ms to 60m", duration, |text| duration(text, 1, 60 * 60_000), show_duration),
    setting!("ramp", "0s to 60m", ramp, |text| duration(text, 0, 60 * 60_000), show_duration),
    setting!("joins_at_once", "1 to 256", joins_at_once, |text| whole(text, 1, 256), u32::to_string),
    setting!("audio.on", "true and false", audio.on, yes_or_no, bool::to_string),
    setting!("audio.speaking", "0 to 50", audio.speaking, |text| whole(text, 0, PEOPLE_MAX), u32::to_string),
    setting!("audio.pps", "1 to 1000", audio.pps, |text| whole(text, 1, 1_000), u32::to_string),
    setting!("audio.bytes", "60 to 1180", audio.bytes, packet_bytes, u32::to_string),
    setting!("video.on", "true and false", video.on, yes_or_no, bool::to_string),
    setting!("video.pps", "5 to 5000", video.pps, |text| whole(text, 5, 5_000), u32::to_string),
    setting!("video.bytes", "60 to 1180", video.bytes, packet_bytes, u32::to_string),
    setting!("video.fps", "5 to 60", video.fps, |text| whole(text, 5, 60), u32::to_string),
    setting!("video.simulcast", "true and false", video.simulcast, yes_or_no, bool::to_string),
    setting!("video.tile", "any, and WIDTHxHEIGHT with 16 to 4096 each", video.tile, tile, show_tile),
    setting!("video.slots", "0 to 49", video.slots, |text| whole(text, 0, PEOPLE_MAX - 1), u32::to_string),
    setting!("chat.per_minute", "0 to 600", chat.per_minute, |text| number(text, 0.0, 600.0), f64::to_string),
    setting!("chat.bytes", "60 to 4000", chat.bytes, |text| whole(text, 60, 4_000), u32::to_string),
    setting!("churn.leaves_per_minute", "0 to 60", churn.leaves_per_minute, |text| number(text, 0.0, 60.0), f64::to_string),
    setting!("churn.abrupt_percent", "0 to 100", churn.abrupt_percent, percent, f64::to_string),
    setting!("churn.away", "0s to 10m", churn.away, |text| duration(text, 0, 10 * 60_000), show_duration),
    setting!("churn.cuts_per_minute", "0 to 60", churn.cuts_per_minute, |text| number(text, 0.0, 60.0), f64::to_string),
    setting!("link.loss_percent", "0 to 100", link.loss_percent, percent, f64::to_string),
    setting!("link.capacity_kbps", "0 (unlimited) and 32 to 1000000", link.capacity_kbps, capacity, u32::to_string),
    setting!("link.delay", "0s to 2s", link.delay, |text| duration(text, 0, 2_000), show_duration),
    setting!("link.queue", "1ms to 5s", link.queue, |text| duration(text, 1, 5_000), show_duration),
    setting!("link.people_percent", "0 to 100", link.people_percent, percent, f64::to_string),
];

impl Scenario {
    /// Sets one key. `origin` is where it stands, for the error: a file or a flag.
    ///
    /// # Errors
    /// [`SettingError`] naming the key, the value and what is allowed.
    pub fn set(&mut self, origin: &str, key: &str, value: &str) -> Result<(), SettingError> {
        if let Some(figure) = key.strip_prefix(THRESHOLDS) {
            return self.thresholds.set(origin, figure, value);
        }
        let unknown = || SettingError::Key { origin: origin.to_owned(), key: key.to_owned() };
        let setting = SETTINGS.iter().find(|setting| setting.key == key).ok_or_else(unknown)?;
        if (setting.write)(self, value.trim()) {
            return Ok(());
        }
        let (key, value) = (key.to_owned(), value.to_owned());
        Err(SettingError::Value { origin: origin.to_owned(), key, value, allowed: setting.allowed.to_owned() })
    }

    /// Sets every key of a TOML document.
    ///
    /// # Errors
    /// [`SettingError`] for the first thing that is wrong.
    pub fn set_toml(&mut self, origin: &str, text: &str) -> Result<(), SettingError> {
        let syntax = |reason: String| SettingError::Syntax { origin: origin.to_owned(), reason };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| syntax(error.to_string().trim_end().to_owned()))?;
        for (name, value) in &table {
            match value {
                toml::Value::Table(inner) => {
                    for (inner_name, value) in inner {
                        self.set(origin, &format!("{name}.{inner_name}"), &scalar(value))?;
                    }
                }
                value => self.set(origin, name, &scalar(value))?,
            }
        }
        Ok(())
    }

    /// Every key with its value, thresholds included.
    pub fn entries(&self) -> Vec<(String, String)> {
        let plain = SETTINGS.iter().map(|setting| (setting.key.to_owned(), (setting.read)(self)));
        let thresholds = self.thresholds.iter().map(|(figure, limit)| (format!("{THRESHOLDS}{figure}"), limit.to_string()));
        plain.chain(thresholds).collect()
    }

    /// As a file that gives the same scenario.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut table = "";
        let entries = self.entries();
        for (key, value) in &entries {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != table {
                text.push_str(&format!("\n[{of}]\n"));
                table = of;
            }
            let bare = value.parse::<f64>().is_ok_and(f64::is_finite) || value.parse::<bool>().is_ok();
            let shown = if bare && key != "name" { value.clone() } else { toml::Value::from(value.as_str()).to_string() };
            text.push_str(&format!("{name} = {shown}\n"));
        }
        text
    }
}

impl Thresholds {
    /// Sets the limit of one figure; see [`Scenario::set`].
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn set(&mut self, origin: &str, figure: &str, value: &str) -> Result<(), SettingError> {
        let key = format!("{THRESHOLDS}{figure}");
        if !threshold::FIGURES.iter().any(|known| known.key == figure) {
            return Err(SettingError::Key { origin: origin.to_owned(), key });
        }
        let Some(limit) = number(value.trim(), 0.0, 1e12) else {
            let allowed = "numbers from 0 on: the figure must not exceed it".to_owned();
            return Err(SettingError::Value { origin: origin.to_owned(), key, value: value.to_owned(), allowed });
        };
        self.limit(figure, limit);
        Ok(())
    }
}

/// A value as it would stand behind a flag. Arrays and dates are allowed for no key and are shown as they are written.
fn scalar(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What else could have been meant, as the end of a sentence.
fn suggestion(key: &str) -> String {
    let thresholds = threshold::FIGURES.iter().map(|figure| format!("{THRESHOLDS}{}", figure.key));
    let keys: Vec<String> = SETTINGS.iter().map(|setting| setting.key.to_owned()).chain(thresholds).collect();
    let close = keys.iter().map(|known| (strsim::jaro_winkler(known, key), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, known)) = close.filter(|(alike, _)| *alike >= ALIKE) {
        return format!(", did you mean {known:?}?");
    }
    format!("; keys are {}", keys.join(", "))
}

fn name(text: &str) -> Option<String> {
    (1..=64).contains(&text.chars().count()).then(|| text.to_owned())
}

fn room_kind(text: &str) -> Option<RoomKind> {
    [RoomKind::Buddy, RoomKind::Voice].into_iter().find(|kind| show_kind(kind) == text)
}

fn show_kind(kind: &RoomKind) -> String {
    match kind {
        RoomKind::Buddy => "buddy",
        RoomKind::Voice => "voice",
    }
    .to_owned()
}

fn tile(text: &str) -> Option<Option<(u16, u16)>> {
    if text == "any" {
        return Some(None);
    }
    let (width, height) = text.split_once('x')?;
    let side = |text| whole(text, 16, 4_096).and_then(|side| u16::try_from(side).ok());
    Some(Some((side(width)?, side(height)?)))
}

fn show_tile(tile: &Option<(u16, u16)>) -> String {
    tile.map_or_else(|| "any".to_owned(), |(width, height)| format!("{width}x{height}"))
}

fn whole(text: &str, least: u64, most: u64) -> Option<u32> {
    let number: u64 = text.parse().ok()?;
    (least..=most).contains(&number).then(|| u32::try_from(number).ok())?
}

fn packet_bytes(text: &str) -> Option<u32> {
    whole(text, PACKET_BYTES_MIN, PACKET_BYTES_MAX)
}

fn capacity(text: &str) -> Option<u32> {
    whole(text, 0, 0).or_else(|| whole(text, 32, 1_000_000))
}

fn number(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && (least..=most).contains(number))
}

fn percent(text: &str) -> Option<f64> {
    number(text, 0.0, 100.0)
}

fn yes_or_no(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// A number with ms, s or m; seconds without.
fn duration(text: &str, least_ms: u64, most_ms: u64) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => number,
        "s" | "" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        _ => return None,
    };
    let duration = Duration::from_millis(millis);
    ((least_ms..=most_ms).contains(&millis) && duration <= DURATION_MAX).then_some(duration)
}

fn show_duration(duration: &Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1_000) { format!("{}s", millis / 1_000) } else { format!("{millis}ms") }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("key", &self.key).field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_takes_back_what_it_shows() {
        let scenario = Scenario::default();
        for setting in SETTINGS {
            let shown = (setting.read)(&scenario);
            let mut other = scenario.clone();
            assert_eq!(other.set("test", setting.key, &shown), Ok(()), "{} = {shown}", setting.key);
            assert_eq!(other, scenario, "{}", setting.key);
        }
    }

    #[test]
    fn values_at_and_past_the_limits_of_each_key() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("name", &["a", "저녁 모임"], &[""]),
            ("seed", &["0", "18446744073709551615"], &["-1", "x", ""]),
            ("rooms", &["1", "1000"], &["0", "1001", "2.5", "many"]),
            ("kind", &["buddy", "voice"], &["video", "Voice", ""]),
            ("people", &["2", "4", "50"], &["1", "51", ""]),
            ("audio.speaking", &["0", "50"], &["51"]),
            ("video.tile", &["any", "320x180"], &["", "320", "x", "8x8", "320x5000", "-1x20"]),
            ("video.slots", &["0", "49"], &["50"]),
            ("duration", &["1ms", "20s", "60m", "5"], &["0s", "61m", "5h", "-1s", "s", "99999999999999999999s", "18446744073709551615m"]),
            ("ramp", &["0s", "60m"], &["61m", "soon"]),
            ("joins_at_once", &["1", "256"], &["0", "257"]),
            ("audio.on", &["true", "false"], &["yes", "1", ""]),
            ("audio.pps", &["1", "1000"], &["0", "1001"]),
            ("audio.bytes", &["60", "1180"], &["59", "1181"]),
            ("video.pps", &["5", "5000"], &["4", "5001"]),
            ("video.fps", &["5", "60"], &["4", "61"]),
            ("video.simulcast", &["true"], &["3"]),
            ("chat.per_minute", &["0", "0.5", "600"], &["-0.1", "601", "NaN", "inf"]),
            ("chat.bytes", &["60", "4000"], &["59", "4001"]),
            ("churn.leaves_per_minute", &["0", "60"], &["61"]),
            ("churn.abrupt_percent", &["0", "33.3", "100"], &["101", "-1", "10%"]),
            ("churn.away", &["0s", "10m"], &["11m"]),
            ("churn.cuts_per_minute", &["0.2"], &["x"]),
            ("link.loss_percent", &["5", "0.1"], &["100.1"]),
            ("link.capacity_kbps", &["0", "32", "1000000"], &["31", "1000001"]),
            ("link.delay", &["0s", "40ms", "2s"], &["2001ms"]),
            ("link.queue", &["1ms", "5s"], &["0s", "6s"]),
            ("link.people_percent", &["25"], &["125"]),
            ("thresholds.join_p95_ms", &["0", "2000", "1.5"], &["-1", "fast", "NaN"]),
        ];
        for (key, good, bad) in cases {
            for value in *good {
                assert_eq!(Scenario::default().set("--flag", key, value), Ok(()), "{key} = {value}");
            }
            for value in *bad {
                let error = Scenario::default().set("--flag", key, value).unwrap_err();
                let text = error.to_string();
                assert!(matches!(error, SettingError::Value { .. }), "{key} = {value}: {text}");
                assert!(text.starts_with(&format!("--flag: {key} = {value:?}: allowed are ")), "{text}");
            }
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_the_one_that_was_meant() {
        let told = |text: &str| Scenario::default().set_toml("my.toml", text).unwrap_err().to_string();
        assert_eq!(told("romms = 3"), r#"my.toml: unknown key "romms", did you mean "rooms"?"#);
        assert_eq!(told("[video]\nppps = 3"), r#"my.toml: unknown key "video.ppps", did you mean "video.pps"?"#);
        assert_eq!(
            told("[thresholds]\njoin_p95 = 3"),
            r#"my.toml: unknown key "thresholds.join_p95", did you mean "thresholds.join_p95_ms"?"#
        );
        assert!(told("zzz = 1").contains("keys are name, seed, rooms, "), "{}", told("zzz = 1"));
    }

    #[test]
    fn a_file_of_the_wrong_shape_is_told_with_its_place() {
        for text in ["rooms", "rooms = ", "[video", "rooms = 1\nrooms = 2"] {
            let error = Scenario::default().set_toml("my.toml", text).unwrap_err();
            assert!(matches!(error, SettingError::Syntax { .. }) && error.to_string().starts_with("my.toml: "), "{text}: {error}");
        }
        for text in ["rooms = [1]", "rooms = \"two\"", "rooms = 1979-05-27", "duration = -3", "audio.on = \"maybe\""] {
            let error = Scenario::default().set_toml("my.toml", text).unwrap_err();
            assert!(matches!(error, SettingError::Value { .. }), "{text}: {error}");
        }
        let nested = Scenario::default().set_toml("my.toml", "[video.size]\nwidth = 3").unwrap_err();
        assert!(nested.to_string().contains("unknown key \"video.size\""), "{nested}");
    }

    #[test]
    fn a_printed_scenario_reads_back_as_the_same() {
        let mut scenario = Scenario::default();
        let text = "name = \"5\"\nrooms = 7\nduration = \"1500ms\"\n[churn]\nleaves_per_minute = 0.5\n[link]\nloss_percent = 2.5\n[thresholds]\nerrors = 0";
        scenario.set_toml("test", text).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.rooms, scenario.duration), ("5", 7, Duration::from_millis(1_500)));
        let mut again = Scenario::default();
        again.set_toml("printed", &scenario.to_toml()).unwrap();
        assert_eq!(again, scenario, "{}", scenario.to_toml());
    }
}
