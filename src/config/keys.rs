//! API keys: the secrets shared with shops and other backends.
//!
//! Invariant: a key that was read has a unique id that fits a header, and a secret of at least [`SECRET_BYTES_MIN`] bytes.

use super::layers::{Origin, Value};
use super::problem::Problem;
use super::reader::Reader;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Shortest secret in bytes: an HS256 key shorter than its hash is weaker than the hash (RFC 7518, section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;

/// The key that dev mode adds.
pub const DEV_KEY_ID: &str = "devkey";

/// The secret of [`DEV_KEY_ID`]. Known to everyone, so never good for more than a machine of one's own.
pub const DEV_SECRET: &str = "devsecret-devsecret-devsecret-32ch";

const ALLOWED: &str =
    "a list of tables {id, secret} or {id, secret_file}: id of 1 to 64 letters, digits, - and _, secret of at least 32 bytes";

const HOW_TO_MAKE_ONE: &str = "at least one API key is needed. Make a secret and name the key in zzan.toml:\n\
    \n      openssl rand -hex 32 > shop.secret && chmod 600 shop.secret\n\
    \n      [[keys]]\n      id = \"shop\"\n      secret_file = \"shop.secret\"\n\
    \n    or set ZZAN_KEYS=shop:<secret>. To try zzan on this machine only, start it with --dev";

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A backend's key: signs tokens with HS256, and authenticates REST requests as `Bearer <id>:<secret>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub secret: Secret,
}

#[cfg(any(test, feature = "fuzzing"))]
impl ApiKey {
    pub(crate) fn of(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: Secret(secret.to_owned()) }
    }
}

/// Reads `keys`; dev mode adds its own where none has that id.
pub(super) fn read(reader: &mut Reader, dev: bool) -> Vec<ApiKey> {
    let setting = reader.raw("keys");
    let origin = setting.as_ref().map_or(Origin::Default, |setting| setting.origin.clone());
    let given = match setting.as_ref().map(|setting| &setting.value) {
        None => Ok(Vec::new()),
        Some(Value::List(tables)) => tables.iter().map(|table| from_table(table, &origin)).collect(),
        Some(Value::Text(text)) if matches!(origin, Origin::Env(_)) => from_env(text),
        Some(_) => Err(ALLOWED.to_owned()),
    };
    let with_dev = |mut keys: Vec<ApiKey>| {
        if dev && keys.iter().all(|key| key.id != DEV_KEY_ID) {
            keys.push(ApiKey { id: DEV_KEY_ID.into(), secret: Secret(DEV_SECRET.into()) });
        }
        // An empty list is none too.
        if keys.is_empty() { Err(HOW_TO_MAKE_ONE.to_owned()) } else { Ok(keys) }
    };
    let keys = given.and_then(unique).and_then(with_dev).unwrap_or_else(|allowed| {
        reader.problems.push(Problem::new("keys", None, origin.clone(), allowed));
        Vec::new()
    });
    let shown: Vec<_> = keys.iter().map(|key| format!("{{ id = {:?}, secret = \"[redacted]\" }}", key.id)).collect();
    reader.record("keys", format!("[{}]", shown.join(", ")), origin);
    keys
}

fn from_table(table: &Value, origin: &Origin) -> Result<ApiKey, String> {
    let Value::Table(fields) = table else {
        return Err(ALLOWED.to_owned());
    };
    if let Some(unknown) = fields.keys().find(|name| !["id", "secret", "secret_file"].contains(&name.as_str())) {
        return Err(format!("there is no such key as {unknown}; allowed is {ALLOWED}"));
    }
    let id = text(fields, "id")?.ok_or(ALLOWED)?;
    let secret = match (text(fields, "secret")?, text(fields, "secret_file")?) {
        (Some(secret), None) => secret.to_owned(),
        (None, Some(file)) => read_secret(file, origin)?,
        (Some(_), Some(_)) => return Err(format!("{id:?} has both secret and secret_file: give one of them")),
        (None, None) => return Err(format!("{id:?} has neither secret nor secret_file: give one of them")),
    };
    key(id, secret)
}

fn text<'a>(fields: &'a BTreeMap<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is to be a text; allowed is {ALLOWED}")),
    }
}

/// A relative path is taken from where the configuration file is.
pub(super) fn read_secret(file: &str, origin: &Origin) -> Result<String, String> {
    let base = match origin {
        Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")),
        Origin::Default | Origin::Env(_) | Origin::Flag(_) => Path::new(""),
    };
    let path = base.join(file);
    let secret = std::fs::read_to_string(&path).map_err(|error| format!("secret_file {} can't be read: {error}", path.display()))?;
    Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
}

fn from_env(text: &str) -> Result<Vec<ApiKey>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (id, secret) = part.split_once(':').ok_or("allowed is <id>:<secret>, several separated by commas")?;
            key(id, secret.to_owned())
        })
        .collect()
}

fn key(id: &str, secret: String) -> Result<ApiKey, String> {
    let id_fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !id_fits {
        return Err(format!("{id:?} is no id: allowed are 1 to 64 letters, digits, - and _"));
    }
    if secret.len() < SECRET_BYTES_MIN {
        return Err(format!("the secret of {id:?} has {} bytes: allowed are at least {SECRET_BYTES_MIN}", secret.len()));
    }
    Ok(ApiKey { id: id.into(), secret: Secret(secret) })
}

fn unique(keys: Vec<ApiKey>) -> Result<Vec<ApiKey>, String> {
    for (index, key) in keys.iter().enumerate() {
        if keys[..index].iter().any(|earlier| earlier.id == key.id) {
            return Err(format!("two keys have the id {:?}: ids are to be different", key.id));
        }
    }
    Ok(keys)
}
