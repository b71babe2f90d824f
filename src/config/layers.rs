//! Where settings come from: a file, then the environment over it, then flags over both.
//!
//! Nothing is interpreted here. Invariant: every value keeps its origin, so that an error can name it.

use super::problem::Problem;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Starts the name of every environment variable of ours.
const ENV_PREFIX: &str = "ZZAN_";

/// Names the configuration file; read by the command line, and no setting itself.
pub const ENV_FILE: &str = "ZZAN_CONFIG";

/// Variables that Kubernetes sets by itself for a service called `zzan`.
const ENV_FOREIGN: [&str; 2] = ["ZZAN_PORT", "ZZAN_SERVICE_"];

/// Variables of AWS's own tools that stand in for ours.
const ENV_AWS: [&str; 10] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
];

/// Where a value stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Env(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value before it is understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
    /// A float, a date or an integer beyond 64 bits: no setting takes one.
    Other(String),
}

impl Value {
    /// As a person would write it.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Integer(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::List(values) => format!("[{}]", values.iter().map(Self::show).collect::<Vec<_>>().join(", ")),
            Self::Table(_) => "a table".into(),
            Self::Other(text) => text.clone(),
        }
    }
}

/// A value and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// All values that were given, by dotted key. What is not taken out by the time all keys were asked for is unknown.
#[derive(Default)]
pub(super) struct Layers {
    file: BTreeMap<String, Setting>,
    /// By variable name.
    env: BTreeMap<String, Setting>,
    flags: BTreeMap<String, Setting>,
    /// Those of [`ENV_AWS`] that are set.
    foreign: BTreeMap<String, String>,
}

impl Layers {
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), Problem> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Problem::new("", None, Origin::File { path: path.to_owned(), line }, format!("TOML: {}", error.message().trim()))
        })?;
        flatten(&mut self.file, "", table.into_inner(), path, text);
        Ok(())
    }

    pub(super) fn add_env(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            let ours = name.starts_with(ENV_PREFIX) && name != ENV_FILE && !ENV_FOREIGN.iter().any(|foreign| name.starts_with(foreign));
            if ours {
                let setting = Setting { value: Value::Text(value), origin: Origin::Env(name.clone()) };
                self.env.insert(name, setting);
            } else if ENV_AWS.contains(&name.as_str()) {
                self.foreign.insert(name, value);
            }
        }
    }

    pub(super) fn add_flag(&mut self, key: &str, flag: &str, value: String) {
        self.flags.insert(key.into(), Setting { value: Value::Text(value), origin: Origin::Flag(flag.into()) });
    }

    /// Takes a key's value out of all layers, and returns the uppermost.
    pub(super) fn take(&mut self, key: &str) -> Option<Setting> {
        let file = self.file.remove(key);
        let env = self.env.remove(&env_name(key));
        self.flags.remove(key).or(env).or(file)
    }

    /// Takes out of the file what stands in the table `key`, by the names of its entries.
    pub(super) fn take_table(&mut self, key: &str) -> BTreeMap<String, Setting> {
        let prefix = format!("{key}.");
        let names: Vec<String> = self.file.keys().filter_map(|known| known.strip_prefix(&prefix)).map(str::to_owned).collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.file.remove(&format!("{prefix}{name}"))?))).collect()
    }

    /// A variable of another program.
    pub(super) fn foreign(&self, name: &str) -> Option<&String> {
        self.foreign.get(name)
    }

    /// What nobody asked for, as (key or variable, value, origin).
    pub(super) fn into_rest(self) -> impl Iterator<Item = (String, Setting)> {
        self.file.into_iter().chain(self.env).chain(self.flags)
    }
}

/// The variable that sets `key`.
pub(super) fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

fn flatten(into: &mut BTreeMap<String, Setting>, prefix: &str, table: DeTable<'_>, path: &Path, text: &str) {
    for (name, value) in table {
        let line = line_of(text, name.span().start);
        let key = format!("{prefix}{}", name.get_ref());
        match value.into_inner() {
            DeValue::Table(inner) => flatten(into, &format!("{key}."), inner, path, text),
            value => {
                let origin = Origin::File { path: path.to_owned(), line };
                into.insert(key, Setting { value: owned(value), origin });
            }
        }
    }
}

fn owned(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| Value::Other(number.to_string()), Value::Integer)
        }
        DeValue::Array(values) => Value::List(values.into_iter().map(Spanned::into_inner).map(owned).collect()),
        DeValue::Table(table) => {
            Value::Table(table.into_iter().map(|(name, value)| (name.into_inner().into_owned(), owned(value.into_inner()))).collect())
        }
        DeValue::Float(number) => Value::Other(number.to_string()),
        DeValue::Datetime(date) => Value::Other(date.to_string()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
