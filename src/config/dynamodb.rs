//! The tables of DynamoDB and the access key for them.
//!
//! Invariant: a store on DynamoDB has a region, and a whole access key or a role that lends one; what is missing here is taken from the variables
//! that AWS's own tools read.

use super::keys::{Secret, read_secret};
use super::layers::{Origin, Setting, Value};
use super::origin;
use super::problem::Problem;
use super::reader::Reader;
use crate::store::dynamodb::{AccessKey, ContainerToken, Credentials, Role, Settings};
use std::path::PathBuf;

const ENDPOINT: &str = "a URL of scheme, host and port only, as http://127.0.0.1:8000";
const REGION: &str = "the name of a region, as ap-northeast-2";
const PREFIX: &str = "1 to 200 letters, digits, -, _ and .";

/// Where containers of ECS are lent keys.
const CONTAINER_ORIGIN: &str = "http://169.254.170.2";

/// Where machines of EC2 are lent keys.
const MACHINE_ORIGIN: &str = "http://169.254.169.254";

/// Reads `dynamodb.*`. `None` where something needed is missing, which `is_used` makes a problem.
pub(super) fn read(reader: &mut Reader, is_used: Used) -> Option<Settings> {
    let endpoint = reader.optional("dynamodb.endpoint", ENDPOINT, origin);
    let default = reader.foreign("AWS_REGION").filter(|region| is_region(region)).unwrap_or_else(|| "us-east-1".into());
    let region = reader.text("dynamodb.region", default, REGION, |text| is_region(text).then(|| text.to_owned()));
    let table_prefix = reader.text("dynamodb.table_prefix", "zzan".to_owned(), PREFIX, |text| is_prefix(text).then(|| text.to_owned()));
    let create_tables = reader.flag("dynamodb.create_tables", false);
    let strict = reader.flag("dynamodb.strict", true);
    let credentials = read_credentials(reader, is_used)?;
    Some(Settings { endpoint, region, table_prefix, create_tables, strict, credentials })
}

/// Whether the configuration's store is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Yes,
    No,
}

/// The key of the configuration, or else that of AWS's variables: never one half of each.
fn read_credentials(reader: &mut Reader, is_used: Used) -> Option<Credentials> {
    let id = reader.optional("dynamodb.access_key_id", "the id of an access key", |text| (!text.is_empty()).then(|| text.to_owned()));
    let secret = secret(reader, "dynamodb.secret_access_key", "dynamodb.secret_access_key_file");
    let token = secret_of(reader, "dynamodb.session_token");
    let (id, secret, token) = match (id, secret, token) {
        (None, None, None) => {
            let variable = |name| reader.foreign(name).filter(|value| !value.is_empty());
            let secret = |name| variable(name).map(Secret::from);
            (variable("AWS_ACCESS_KEY_ID"), secret("AWS_SECRET_ACCESS_KEY"), secret("AWS_SESSION_TOKEN"))
        }
        given => given,
    };
    let is_keyless = id.is_none() && secret.is_none() && token.is_none();
    if let Some(role) = is_keyless.then(|| read_role(reader)).flatten() {
        return Some(Credentials::Role(role));
    }
    let missing = match (&id, &secret) {
        (None, _) => "dynamodb.access_key_id",
        (_, None) => "dynamodb.secret_access_key",
        _ => "",
    };
    if let (Some(access_key_id), Some(secret_access_key)) = (id, secret) {
        return Some(Credentials::Key(AccessKey { access_key_id, secret_access_key, session_token: token }));
    }
    if is_used == Used::Yes && reader.problems.iter().all(|problem| problem.key != missing) {
        let needed = "store = \"dynamodb\" needs an access key: give dynamodb.access_key_id and dynamodb.secret_access_key (or \
            secret_access_key_file), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role lends one";
        reader.problems.push(Problem::new(missing, None, Origin::Default, needed));
    }
    None
}

/// The container's, or else the machine's, unless that is not to be asked.
fn read_role(reader: &Reader) -> Option<Role> {
    let variable = |name| reader.foreign(name).filter(|value| !value.is_empty());
    let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER_ORIGIN}{path}"));
    if let Some(url) = relative.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
        let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|path| ContainerToken::InFile(PathBuf::from(path)));
        let token = file.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| ContainerToken::Given(Secret::from(token))));
        return Some(Role::Container { url, token });
    }
    let is_off = variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let endpoint = || variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| MACHINE_ORIGIN.to_owned());
    (!is_off).then(|| Role::Machine { endpoint: endpoint() })
}

/// A secret that stands there, or in a file that is named there.
fn secret(reader: &mut Reader, key: &str, file_key: &str) -> Option<Secret> {
    let inline = secret_of(reader, key);
    let file = reader.raw(file_key);
    let shown = file.as_ref().map_or_else(|| "\"\"".into(), |setting| setting.value.show());
    let origin = file.as_ref().map_or(Origin::Default, |setting| setting.origin.clone());
    reader.record(file_key, shown, origin.clone());
    let Some(file) = file else { return inline };
    let read = match (&file.value, &inline) {
        (_, Some(_)) => Err(format!("{key} is there too: give one of them")),
        (Value::Text(path), None) => read_secret(path, &origin),
        _ => Err("allowed is a path".into()),
    };
    match read {
        Ok(secret) => Some(Secret::from(secret)),
        Err(problem) => {
            reader.problems.push(Problem::new(key, None, origin, problem));
            None
        }
    }
}

fn secret_of(reader: &mut Reader, key: &str) -> Option<Secret> {
    let setting = reader.raw(key);
    let origin = setting.as_ref().map_or(Origin::Default, |setting| setting.origin.clone());
    reader.record(key, if setting.is_some() { "\"[redacted]\"" } else { "\"\"" }.into(), origin.clone());
    match setting {
        None => None,
        Some(Setting { value: Value::Text(secret), .. }) if !secret.is_empty() => Some(Secret::from(secret)),
        Some(_) => {
            reader.problems.push(Problem::new(key, None, origin, "allowed is a text that isn't empty"));
            None
        }
    }
}

fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_prefix(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
