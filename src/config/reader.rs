//! Understands values: each `read` of a key says its default, its type and its bounds, once.
//!
//! Invariant: the keys that were read are the keys there are; whatever is left over in the layers is unknown.

use super::layers::{Layers, Origin, Setting, Value, env_name};
use super::problem::Problem;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// A key with the value in force, as `check-config` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub key: String,
    /// A TOML literal; secrets are redacted.
    pub value: String,
    pub origin: Origin,
}

/// Reads keys out of layers, and collects everything that is wrong.
pub(super) struct Reader {
    layers: Layers,
    effective: Vec<Effective>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self { layers, effective: Vec::new(), problems: Vec::new() }
    }

    /// A value that `parse` understands from text.
    pub(super) fn text<T: Display>(&mut self, key: &str, default: T, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        self.read(
            key,
            default,
            allowed,
            |setting| match &setting.value {
                Value::Text(text) => parse(text),
                _ => None,
            },
            |value| format!("{:?}", value.to_string()),
        )
    }

    /// As [`Reader::text`], for a key that has no default.
    pub(super) fn optional<T: Display>(&mut self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.read(
            key,
            None,
            allowed,
            |setting| match &setting.value {
                Value::Text(text) => parse(text).map(Some),
                _ => None,
            },
            |value| value.as_ref().map_or_else(|| "\"\"".into(), |value| format!("{:?}", value.to_string())),
        )
    }

    /// Texts that `parse` understands; in the environment and in flags, separated by commas.
    pub(super) fn list<T: Display>(&mut self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.read(
            key,
            Vec::new(),
            allowed,
            |setting| match &setting.value {
                Value::List(values) => values
                    .iter()
                    .map(|value| match value {
                        Value::Text(text) => parse(text),
                        _ => None,
                    })
                    .collect(),
                Value::Text(text) if is_untyped(&setting.origin) => {
                    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(&parse).collect()
                }
                _ => None,
            },
            |values| format!("[{}]", values.iter().map(|value| format!("{:?}", value.to_string())).collect::<Vec<_>>().join(", ")),
        )
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(
            key,
            default,
            &allowed,
            |setting| {
                let number = match &setting.value {
                    Value::Integer(number) => u64::try_from(*number).ok()?,
                    Value::Text(text) if is_untyped(&setting.origin) => text.trim().parse().ok()?,
                    _ => return None,
                };
                range.contains(&number).then_some(number)
            },
            u64::to_string,
        )
    }

    /// Whole numbers by names of the deployer's choosing: a table, or in the environment `name=number`, separated by commas, which replaces it.
    pub(super) fn numbers(&mut self, key: &str, range: RangeInclusive<u64>) -> BTreeMap<String, u64> {
        let allowed = format!("whole numbers from {} to {} by name", range.start(), range.end());
        let table = self.layers.take_table(key);
        let whole = self.layers.take(key);
        let mut numbers = BTreeMap::new();
        let mut origin = whole.as_ref().map_or(Origin::Default, |setting| setting.origin.clone());
        if let Some(setting) = &whole {
            let given = match &setting.value {
                Value::Text(text) if is_untyped(&setting.origin) => named_numbers(text),
                _ => None,
            };
            match given.filter(|given| given.values().all(|number| range.contains(number))) {
                Some(given) => numbers = given,
                None => self.problems.push(Problem::new(key, Some(setting.value.show()), origin.clone(), format!("allowed are {allowed}"))),
            }
        } else {
            for (name, setting) in table {
                origin = setting.origin.clone();
                match &setting.value {
                    Value::Integer(number) if u64::try_from(*number).is_ok_and(|number| range.contains(&number)) => {
                        numbers.insert(name, number.unsigned_abs());
                    }
                    value => {
                        let shown = Some(value.show());
                        self.problems.push(Problem::new(&format!("{key}.{name}"), shown, setting.origin, format!("allowed are {allowed}")));
                    }
                }
            }
        }
        let shown: Vec<String> = numbers.iter().map(|(name, number)| format!("{name:?} = {number}")).collect();
        self.record(key, if shown.is_empty() { "{}".into() } else { format!("{{ {} }}", shown.join(", ")) }, origin);
        numbers
    }

    /// A time in milliseconds.
    pub(super) fn millis(&mut self, key: &str, default: Duration, range: RangeInclusive<u64>) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.number(key, default, range))
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        self.read(
            key,
            default,
            "true or false",
            |setting| match &setting.value {
                Value::Bool(flag) => Some(*flag),
                Value::Text(text) if is_untyped(&setting.origin) => text.trim().parse().ok(),
                _ => None,
            },
            bool::to_string,
        )
    }

    /// A key with a shape of its own: its raw setting, without a record of what it came to.
    pub(super) fn raw(&mut self, key: &str) -> Option<Setting> {
        self.layers.take(key)
    }

    /// A variable of another program that stands in for one of our keys.
    pub(super) fn foreign(&self, name: &str) -> Option<String> {
        self.layers.foreign(name).cloned()
    }

    /// Records what a key came to.
    pub(super) fn record(&mut self, key: &str, value: String, origin: Origin) {
        self.effective.push(Effective { key: key.into(), value, origin });
    }

    /// All keys with their values, or everything that is wrong. Whatever nobody read is unknown.
    pub(super) fn finish(self) -> Result<Vec<Effective>, Vec<Problem>> {
        let mut problems = self.problems;
        let known: Vec<&str> = self.effective.iter().map(|effective| effective.key.as_str()).collect();
        for (key, setting) in self.layers.into_rest() {
            let near = suggestion(&key, &setting.origin, &known);
            let allowed = match (near, &setting.origin) {
                (Some(near), _) => format!("there is no such key; did you mean {near}?"),
                // Other programs may have variables that begin like ours, so only a likely misspelling is an error.
                (None, Origin::Env(name)) => {
                    tracing::warn!(name, "this variable is no setting of zzan");
                    continue;
                }
                (None, Origin::Default | Origin::File { .. } | Origin::Flag(_)) => "there is no such key".into(),
            };
            // The value of a misspelt key may be a secret.
            problems.push(Problem::new(&key, None, setting.origin, allowed));
        }
        if problems.is_empty() { Ok(self.effective) } else { Err(problems) }
    }

    fn read<T>(&mut self, key: &str, default: T, allowed: &str, parse: impl Fn(&Setting) -> Option<T>, show: impl Fn(&T) -> String) -> T {
        let (value, origin) = match self.layers.take(key) {
            None => (default, Origin::Default),
            Some(setting) => match parse(&setting) {
                Some(value) => (value, setting.origin),
                None => {
                    let problem = Problem::new(key, Some(setting.value.show()), setting.origin.clone(), format!("allowed is {allowed}"));
                    self.problems.push(problem);
                    (default, setting.origin)
                }
            },
        };
        self.record(key, show(&value), origin);
        value
    }
}

/// `name=number`, separated by commas.
fn named_numbers(text: &str) -> Option<BTreeMap<String, u64>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, number) = part.split_once('=')?;
            Some((name.trim().to_owned(), number.trim().parse().ok()?))
        })
        .collect()
}

/// The environment and flags have texts only; a file has types, and a text for a number is a mistake there.
pub(super) fn is_untyped(origin: &Origin) -> bool {
    matches!(origin, Origin::Env(_) | Origin::Flag(_))
}

/// The known key that is at most two typing mistakes away, or that is the same but for what stands around it.
fn suggestion(key: &str, origin: &Origin, known: &[&str]) -> Option<String> {
    let written = |known: &str| if matches!(origin, Origin::Env(_)) { env_name(known) } else { known.to_owned() };
    known
        .iter()
        .map(|known| written(known))
        .map(|known| (strsim::damerau_levenshtein(&known, key), known))
        .filter(|(mistakes, known)| *mistakes <= 2 || known.rsplit('.').next() == Some(key))
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, known)| known)
}

/// A path as it is shown: as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown(pub(super) std::path::PathBuf);

impl Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Path::new(&self.0).display().fmt(f)
    }
}
